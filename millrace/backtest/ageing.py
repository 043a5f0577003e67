"""How models that were trained earlier do on the events that came after them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from millrace.backtest.result import Period, Policy, Showing
from millrace.dataset.manifest import EVENT_TIME, LATE, PARTS
from millrace.errors import EvaluationError
from millrace.evaluation.blocks import blocks_of
from millrace.evaluation.bootstrap import Draws, Subject, resample
from millrace.evaluation.held_out import Rows, read_rows
from millrace.evaluation.result import HIGHER_IS_BETTER, Estimate
from millrace.evaluation.scoring import score
from millrace.evaluation.task import task_of
from millrace.registry.bundle import MODEL, read_card
from millrace.workload import Workload


@dataclass(frozen=True)
class Trained:
    """A model of an earlier turn.

    Attributes:
        as_of: as of when it was trained, ISO 8601.
        bundle: the folder of its bundle.
        model: digest of its model.onnx.
    """

    as_of: str
    bundle: Path
    model: str


def score_period(
    workload: Workload,
    dataset: Path,
    policies: dict[Policy, Trained],
    metric: str,
    start: datetime,
    end: datetime,
) -> Period:
    """Return how each policy's model does on the events from one turn to the next.

    Args:
        workload: what the models are for.
        dataset: the training set as of the end; whatever its own model may do with them, its newest
            rows are events that no earlier model has seen.
        policies: which model answers.
        metric: what it is measured by.
        start: when the last of the models was trained.
        end: the as-of time.
    """
    rows = _since(read_rows(dataset, *PARTS, LATE), start)
    period = Period(
        start=start.isoformat(),
        end=end.isoformat(),
        rows=len(rows),
        mean_label=float(rows.labels.mean()) if len(rows) else None,
        showings=[],
    )
    if not len(rows):
        return period.model_copy(update={"problem": "no event has a label that was known by then"})
    if not policies:
        return period.model_copy(update={"problem": "nothing had been released"})
    try:
        return period.model_copy(update=_measured(workload, rows, policies, metric))
    except EvaluationError as error:
        return period.model_copy(update={"problem": _why(rows, error)})


def _since(rows: Rows, start: datetime) -> Rows:
    """Return the events from a moment on: a snapshot as of that moment ends before it."""
    inside = (rows.frame[EVENT_TIME] >= pd.Timestamp(start)).to_numpy()
    return replace(
        rows, frame=rows.frame[inside].reset_index(drop=True), labels=rows.labels[inside]
    )


def _measured(
    workload: Workload, rows: Rows, policies: dict[Policy, Trained], metric: str
) -> dict[str, list[Showing] | Estimate]:
    """Return what a period tells of each policy: its `showings` and the `gain`."""
    drawn = _drawn(workload, rows, policies, metric)
    showings = [
        Showing(
            policy=policy,
            trained=trained.as_of,
            model=trained.model,
            score=drawn[trained.model].estimate(f"{metric} of the model of {trained.as_of}"),
        )
        for policy, trained in policies.items()
    ]
    first, champion = policies["never retrained"].model, policies["retrained"].model
    difference = (drawn[champion] - drawn[first]).signed(HIGHER_IS_BETTER[metric])
    return {"showings": showings, "gain": difference.estimate(f"gain in {metric}")}


def _drawn(
    workload: Workload, rows: Rows, policies: dict[Policy, Trained], metric: str
) -> dict[str, Draws]:
    """Return the metric of each model, by its digest, on the rows and on resamples of them."""
    task = task_of(workload.spec.target)
    one = replace(task, metrics={metric: task.metrics[metric]})
    subjects = {}
    for trained in policies.values():
        if trained.model not in subjects:
            card = read_card(trained.bundle)
            answers = score(trained.bundle / MODEL, rows.frame, card.inputs, card.outputs)
            subjects[trained.model] = Subject(one.sample(rows.labels, answers))
    seed = workload.spec.training.seed
    drawn = resample(one, subjects, len(rows), seed=seed, blocks=blocks_of(rows))
    return {model: measured[metric] for model, measured in drawn.items()}


def _why(rows: Rows, error: EvaluationError) -> str:
    """Return why no metric can be computed of a period's rows."""
    positives = rows.positives()
    if positives in (0, len(rows)):
        return f"all of its {len(rows):,} events are {'positive' if positives else 'negative'}"
    return error.problem
