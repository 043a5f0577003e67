"""Flights: from cold cache to registered, what rolling features add, and a backtest's pace."""

from __future__ import annotations

import contextlib
import io
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.flights_data import accepted_of
from benchmarks.pipeline import retrain
from benchmarks.rows import Row, against_goal, against_peer
from millrace.backtest import Schedule, replay
from millrace.dataset import DatasetManifest, assemble
from millrace.evaluation.blocks import blocks_of
from millrace.evaluation.bootstrap import Draws, Subject, resample
from millrace.evaluation.held_out import read_rows
from millrace.evaluation.result import Evaluation
from millrace.evaluation.scoring import score
from millrace.evaluation.task import task_of
from millrace.export import export
from millrace.features import materialize
from millrace.runs.summary import RunSummary
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.training import train
from millrace.workload import Workload, load_workload

WORKLOAD = Path("workloads/flights").resolve()
AS_OF = datetime(2013, 9, 1, tzinfo=UTC)
ROLLING = ("carrier_delays", "origin_delays", "route_delays", "aircraft_delays")
TURNS = 7


def run() -> list[Row]:
    """Return the rows of the run, of what rolling features add, and of the backtest."""
    return [*_cold(), _rolling(), _backtest()]


def _cold() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        began = time.perf_counter()
        ended = retrain(settings, "cold", WORKLOAD, as_of=AS_OF.isoformat())
        seconds = time.perf_counter() - began
        peak = max(ended.values(), key=lambda task: task.peak_bytes)
        told = open_store(settings).read_bytes("runs/cold/summary.json")
        summary = RunSummary.model_validate_json(told)
        assert summary.evaluation is not None
        return [
            against_goal(
                "flights, 90 days, cold cache to registered, seconds", seconds, at_most=120
            ),
            against_goal(
                f"flights, peak memory of a step ({peak.task}), GB",
                peak.peak_bytes / 1e9,
                at_most=1.5,
            ),
            _beside_baseline(summary.evaluation),
        ]


def _beside_baseline(found: Evaluation) -> Row:
    """Return the candidate beside the better baseline; that it is told is what is asked."""
    candidate, *_ = found.models
    better = max(
        (model for model in found.models if model.role == "baseline"),
        key=lambda model: model.metrics["roc_auc"].value,
    )
    difference = next(
        c.difference for c in found.comparisons if (c.other, c.metric) == (better.name, "roc_auc")
    )
    sys.stderr.write(
        f"  candidate against {better.name}: {difference.value:+.4f} "
        f"({difference.low:+.4f} to {difference.high:+.4f})\n"
    )
    return against_peer(
        f"flights, ROC AUC, candidate against {better.name}",
        candidate.metrics["roc_auc"].value,
        better.metrics["roc_auc"].value,
    )


def _rolling() -> Row:
    """Return the candidate's ROC AUC with rolling features against without, on the same rows."""
    workload = load_workload(WORKLOAD)
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        whole = _dataset(workload, Path(name))
        part = Path(name) / "without"
        shutil.copytree(whole, part)
        manifest = DatasetManifest.read(part / "manifest.json")
        kept = [feature for feature in manifest.features if feature.view not in ROLLING]
        manifest.model_copy(update={"features": kept, "digest": "0" * 64}).write(
            part / "manifest.json"
        )
        drawn = _drawn(workload, {"with": whole, "without": part}, Path(name))
    gain = (drawn["with"] - drawn["without"]).estimate("gain")
    sys.stderr.write(f"  gain {gain.value:.4f} ({gain.low:.4f} to {gain.high:.4f})\n")
    return Row(
        name="flights, ROC AUC with rolling features against without",
        ours=round(drawn["with"].value, 4),
        peer=round(drawn["without"].value, 4),
        ratio=round(drawn["with"].value / drawn["without"].value, 3),
        goal="95 % interval of the gain above 0",
        met=gain.low > 0,
    )


def _dataset(workload: Workload, home: Path) -> Path:
    settings = Settings(home=home)
    store = open_store(settings)
    accepted = accepted_of(workload, AS_OF, home)
    materialize(workload, accepted, store, settings, as_of=AS_OF)
    assemble(workload, accepted, home / "dataset", settings, store, as_of=AS_OF)
    return home / "dataset"


def _drawn(workload: Workload, datasets: dict[str, Path], home: Path) -> dict[str, Draws]:
    task = task_of(workload.spec.target)
    rows = read_rows(datasets["with"], "test")
    subjects = {}
    for name, dataset in datasets.items():
        model, exported = home / f"model-{name}", home / f"exported-{name}"
        for folder in (model, exported):
            folder.mkdir()
        train(workload, dataset, model, checkpoint=home / f"checkpoint-{name}")
        told = export(workload, dataset, model, exported)
        answers = score(exported / "model.onnx", rows.frame, told.inputs, told.outputs)
        subjects[name] = Subject(task.sample(rows.labels, answers))
    drawn = resample(task, subjects, len(rows), seed=7, blocks=blocks_of(rows))
    return {name: metrics["roc_auc"] for name, metrics in drawn.items()}


def _backtest() -> Row:
    """Return the seconds of late turns against early ones; the first has no champion."""
    workload = load_workload(WORKLOAD)
    week = timedelta(days=7)
    schedule = Schedule(AS_OF - (TURNS - 1) * week, AS_OF, week)
    seconds = []
    with tempfile.TemporaryDirectory() as home, contextlib.redirect_stdout(io.StringIO()):
        for turn in replay(workload, schedule, Path(home), code_revision="bench"):
            sys.stderr.write(f"  {turn.as_of} {turn.outcome} {turn.seconds:.1f} s\n")
            seconds.append(turn.seconds)
    half = TURNS // 2
    early, late = seconds[1 : 1 + half], seconds[1 + half :]
    return against_peer(
        f"backtest of {TURNS} weeks, seconds of a late turn against an early one",
        statistics.median(late),
        statistics.median(early),
        at_most=1.2,
    )
