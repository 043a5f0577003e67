"""`millrace run --backtest`: replay the loop over history and tell how models would have aged."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli.console import console, print_json
from cli.find import workload_folder
from cli.interrupt import Interrupted
from cli.sayings import saying
from cli.views_backtest import show_backtest, turn_line
from millrace.backtest import Backtest, Schedule, Turn, replay
from millrace.backtest.loop import metric_of
from millrace.digests import digest_of_json
from millrace.evaluation.result import HIGHER_IS_BETTER
from millrace.files import write_whole
from millrace.progress import listening
from millrace.report.backtest import render_backtest
from millrace.report.text import clip, duration
from millrace.settings import Settings, load_settings
from millrace.workload import Workload, load_workload
from millrace.workload.base import duration_text
from millrace.workload.code import code_revision
from pipelines.local.lock import only_run

_WIDTH = 50


def backtest(name: str, period: str, every: str, *, as_json: bool) -> None:
    """Replay the loop, tell of each turn, then of what retraining was worth.

    Raises:
        MillraceError: the request makes no sense, or the loop cannot be replayed.
        SystemExit: it was interrupted, with code 130; what was done is kept.
    """
    settings = load_settings()
    workload = load_workload(workload_folder(name))
    schedule = Schedule.read(period, every)
    schedule.check(workload)
    revision = code_revision(workload)
    home = _home(settings, workload, schedule, revision)
    watch = _Watch(len(schedule.times), quiet=as_json)
    turns: list[Turn] = []
    try:
        with only_run(settings, f"backtest-{workload.name}"), listening(watch.hear), watch:
            for turn in replay(
                workload, schedule, home, code_revision=revision, told=watch.step_begins
            ):
                turns.append(turn)
                found = _found(workload, schedule, revision, turns)
                found.write(home / "backtest.json")
                write_whole(home / "report.html", render_backtest(found).encode())
                watch.turn_ends(turn)
    except Interrupted:
        sys.stderr.write(
            f"millrace: stopped; {len(turns)} of {len(schedule.times)} turns are kept: "
            "the same command goes on after them\n"
        )
        sys.exit(130)
    places = {"report": str(home / "report.html"), "result": str(home / "backtest.json")}
    if as_json:
        print_json({**found.model_dump(mode="json"), "places": places})
    else:
        show_backtest(console, found, places)


def _home(settings: Settings, workload: Workload, schedule: Schedule, revision: str) -> Path:
    """Return the folder of a backtest; one that goes on for longer is the same."""
    start, every = schedule.start.isoformat(), schedule.every.total_seconds()
    key = digest_of_json([revision, start, every])[:12]
    return settings.home.resolve() / "backtests" / workload.name / key


def _found(workload: Workload, schedule: Schedule, revision: str, turns: list[Turn]) -> Backtest:
    metric = metric_of(workload)
    return Backtest(
        workload=workload.name,
        code_revision=revision,
        start=schedule.start.isoformat(),
        end=schedule.end.isoformat(),
        every=duration_text(schedule.every),
        metric=metric,
        higher_is_better=HIGHER_IS_BETTER[metric],
        planned=len(schedule.times),
        turns=turns,
    )


class _Watch:
    """Shows a line a turn, and on a terminal what it is at right now."""

    def __init__(self, planned: int, *, quiet: bool) -> None:
        self._planned = planned
        self._quiet = quiet
        self._done = 0
        self._began = time.monotonic()
        self._step = ""
        self._status = None if quiet or not console.is_terminal else console.status("starting …")

    def __enter__(self) -> None:
        if self._status:
            self._status.start()

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def step_begins(self, step: str) -> None:
        """Show the step that begins."""
        self._step = step
        self._show("")

    def hear(self, event: dict[str, Any]) -> None:
        """Show what a step says of its progress."""
        self._show(clip(saying(event), _WIDTH))

    def turn_ends(self, turn: Turn) -> None:
        """Show what became of a turn."""
        self._done += 1
        if not self._quiet:
            console.print(turn_line(turn), soft_wrap=True)

    def _show(self, words: str) -> None:
        if self._status is None:
            return
        left = ""
        if self._done:
            pace = (time.monotonic() - self._began) / self._done
            rest = timedelta(seconds=pace * (self._planned - self._done))
            left = f", about {duration(rest.total_seconds())} left"
        place = f"turn {self._done + 1} of {self._planned}{left}"
        self._status.update(f"{place}: {self._step} … {words}")
