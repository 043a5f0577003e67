"""The churn workload from cold cache to registered, and what KFP adds to a step."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Row, against_goal
from millrace.settings import Settings
from pipelines.compile import COMPILED
from pipelines.local.events import Event, TaskEnded
from pipelines.local.runner import run_pipeline

WORKLOAD = Path("workloads/churn").resolve()
REPEATS = 5


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        began = time.perf_counter()
        ended = retrain(settings, "cold", WORKLOAD)
        seconds = time.perf_counter() - began
        peak = max(ended.values(), key=lambda task: task.peak_bytes)
        return [
            against_goal("churn, cold cache to registered, seconds", seconds, at_most=60),
            against_goal(
                f"peak memory of a step ({peak.task}), GB", peak.peak_bytes / 1e9, at_most=1.5
            ),
            _overhead(settings),
        ]


def retrain(settings: Settings, name: str, workload: Path, **asked: str) -> dict[str, TaskEnded]:
    """Run a workload's pipeline, and return how each of its steps ended."""
    ended: dict[str, TaskEnded] = {}

    def hear(event: Event) -> None:
        if isinstance(event, TaskEnded):
            ended[event.task] = event
            told = f"  {event.task:<12} {event.seconds:6.2f} s  {event.peak_bytes / 1e6:6.0f} MB\n"
            sys.stderr.write(told)

    arguments = {"workload": str(workload), "run": name, **asked}
    log = settings.store_folder / "runs" / name / "log.txt"
    if not run_pipeline(COMPILED / "retraining.yaml", arguments, settings, log, hear):
        raise SystemExit(f"the run is red; see {log}")
    return ended


def _overhead(settings: Settings) -> Row:
    """Compare the champion step under KFP with the same library call in a process of its own."""
    plain, under_kfp = [], []
    for number in range(REPEATS):
        under_kfp.append(retrain(settings, f"again-{number}", WORKLOAD)["champion"].seconds)
        plain.append(_fresh_process(settings))
    added = statistics.median(under_kfp) - statistics.median(plain)
    return against_goal("what KFP adds to a step, seconds", added, at_most=0.2)


def _fresh_process(settings: Settings) -> float:
    code = (
        "from millrace.runs.step import step\n"
        "from millrace.registry import find_champion\n"
        f"with step('champion', {str(WORKLOAD)!r}, run='plain') as work:\n"
        "    work.document = find_champion(work.workload.name, 'auto', work.settings)\n"
    )
    environment = {**os.environ, "MILLRACE_HOME": str(settings.home)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - began
