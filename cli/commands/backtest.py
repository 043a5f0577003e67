"""`millrace run --backtest`: replay the loop over history and tell how models would have aged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cli.console import console, print_json
from cli.find import workload_folder
from cli.interrupt import Interrupted
from cli.steps_here import steps_here
from cli.views_backtest import show_backtest
from cli.watch_backtest import Watch
from millrace.backtest import Backtest, Schedule, Turn, replay
from millrace.backtest.loop import kept, metric_of
from millrace.digests import digest_of_json
from millrace.durations import duration_text
from millrace.evaluation.result import HIGHER_IS_BETTER
from millrace.files import made_folder, write_whole
from millrace.report.backtest import means, render_backtest, summed_up
from millrace.settings import HOME_REMEDY, Settings, load_settings
from millrace.workload import Workload, load_workload
from millrace.workload.code import code_revision
from pipelines.local.lock import only_run


def backtest(name: str, period: str, every: str, *, as_json: bool) -> None:
    """Replay the loop, tell of each turn, then of what retraining was worth.

    Raises:
        MillraceError: the request makes no sense, or the loop cannot be replayed.
        SystemExit: it was interrupted, with code 130, and what was done is kept; or no turn trained
            a model, with code 1.
    """
    settings = load_settings()
    schedule = Schedule.read(period, every)
    workload = load_workload(workload_folder(name))
    schedule.check(workload)
    revision = code_revision(workload)
    home = _home(settings, workload, schedule, revision)
    places = {
        "report": str(home / "report.html"),
        "result": str(home / "backtest.json"),
        "log": str(home / "log.txt"),
    }
    watch = Watch(len(schedule.times), quiet=as_json)
    found = _found(workload, schedule, revision, [])
    try:
        with (
            only_run(settings, workload.name, "backtest"),
            watch,
            steps_here(made_folder(home, HOME_REMEDY) / "log.txt", watch.hear),
        ):
            for turn in replay(
                workload, schedule, home, code_revision=revision, told=watch.step_begins
            ):
                found = _found(workload, schedule, revision, [*found.turns, turn])
                found.write(home / "backtest.json")
                write_whole(home / "report.html", render_backtest(found).encode())
                watch.turn_ends(turn)
    except Interrupted:
        sys.stderr.write(
            f"millrace: stopped; {kept(schedule, home)} of {len(schedule.times)} turns are kept: "
            "the same command goes on after them\n"
        )
        sys.exit(130)
    if as_json:
        print_json(_as_json(found, places))
    else:
        show_backtest(console, found, places)
    if not any(turn.bundle for turn in found.turns):
        sys.stderr.write(f"millrace: no turn trained a model; the last: {found.turns[-1].reason}\n")
        sys.exit(1)


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
        kind=workload.spec.target.kind,
        metric=metric,
        higher_is_better=HIGHER_IS_BETTER[metric],
        planned=len(schedule.times),
        turns=turns,
    )


def _as_json(found: Backtest, places: dict[str, str]) -> dict[str, Any]:
    return {
        "headline": summed_up(found),
        "means": means(found),
        "gain": found.gain.model_dump() if found.gain else None,
        **found.model_dump(mode="json"),
        "places": places,
    }
