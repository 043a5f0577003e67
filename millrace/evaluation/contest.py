"""Measure models on the same held-out rows, and set the candidate against each of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.blocks import blocks_of
from millrace.evaluation.bootstrap import RESAMPLES, Draws, Subject, resample
from millrace.evaluation.held_out import Rows
from millrace.evaluation.periods import Stretch, period_results, stretches
from millrace.evaluation.result import (
    HIGHER_IS_BETTER,
    Comparison,
    ModelResult,
    PeriodResult,
    SliceResult,
)
from millrace.evaluation.slices import rows_by_group, slice_result, tells_anything
from millrace.evaluation.task import Task
from millrace.progress import say

Drawn = Mapping[tuple[str, ...], Mapping[str, Draws]]


@dataclass(frozen=True, eq=False)
class Contender:
    """A model and its answers.

    Attributes:
        name: what it is called in the result.
        role: the part it plays.
        answers: its answers to the n held-out rows; shape [n, 1 + q].
        digest: what names its files, if it has any.
        fair: the rows that it may be measured on, shape [m]; None for all.
    """

    name: str
    role: Literal["candidate", "champion", "baseline"]
    answers: NDArray[np.float64]
    digest: str | None = None
    fair: NDArray[np.intp] | None = None


@dataclass(frozen=True)
class Outcome:
    """What a contest found."""

    models: list[ModelResult]
    comparisons: list[Comparison]
    slices: list[SliceResult]
    periods: list[PeriodResult]


def hold(task: Task, rows: Rows, contenders: list[Contender], *, seed: int) -> Outcome:
    """Return the metrics of each model, the candidate's comparisons and its slices.

    Args:
        task: what the models are measured by.
        rows: the n held-out rows.
        contenders: the models, the candidate first.
        seed: seed of the bootstrap.

    Raises:
        EvaluationError: a metric is no finite number.
    """
    candidate, *others = contenders
    groups = {name: rows_by_group(rows, name) for name in rows.manifest.slices}
    periods = stretches(rows)
    subjects = _whole(task, rows, contenders) | _by_period(task, rows, contenders, periods)
    for name, (large, _) in groups.items():
        for group, members in large.items():
            subjects["slice", name, group] = _subject(task, rows, candidate, members)
    drawn = resample(
        task,
        subjects,
        len(rows),
        seed=seed,
        blocks=blocks_of(rows),
        told=lambda done: say("resampled", done=done, total=RESAMPLES),
    )
    return Outcome(
        models=[
            _model_result(task, rows, model, drawn["model", model.name]) for model in contenders
        ],
        comparisons=[c for model in others for c in _comparisons(candidate, model, drawn)],
        slices=[
            slice_result(rows, name, large, small, {g: drawn["slice", name, g] for g in large})
            for name, (large, small) in groups.items()
        ],
        periods=period_results(
            rows,
            periods,
            {(int(key[1]), key[2]): drawn[key] for key in drawn if key[0] == "period"},
        ),
    )


def _subject(task: Task, rows: Rows, model: Contender, which: NDArray[np.intp] | None) -> Subject:
    """Return a model on some rows, or on all."""
    kept = slice(None) if which is None else which
    return Subject(task.sample(rows.labels[kept], model.answers[kept]), which)


def _whole(task: Task, rows: Rows, contenders: list[Contender]) -> dict[tuple[str, ...], Subject]:
    """Return each model on all rows that it may be measured on, and the candidate on the same."""
    candidate, *others = contenders
    subjects: dict[tuple[str, ...], Subject] = {}
    for model in contenders:
        subjects["model", model.name] = _subject(task, rows, model, model.fair)
    for model in others:
        if model.fair is not None:
            subjects["against", model.name] = _subject(task, rows, candidate, model.fair)
    return subjects


def _by_period(
    task: Task, rows: Rows, contenders: list[Contender], periods: list[Stretch]
) -> dict[tuple[str, ...], Subject]:
    """Return each model on each period, where it may be measured on enough rows of it."""
    subjects: dict[tuple[str, ...], Subject] = {}
    for number, period in enumerate(periods):
        for model in contenders:
            inside = period.rows if model.fair is None else np.intersect1d(period.rows, model.fair)
            if tells_anything(rows, inside):
                subjects["period", str(number), model.name] = _subject(task, rows, model, inside)
    return subjects


def _model_result(
    task: Task, rows: Rows, model: Contender, drawn: Mapping[str, Draws]
) -> ModelResult:
    kept = slice(None) if model.fair is None else model.fair
    return ModelResult(
        name=model.name,
        role=model.role,
        digest=model.digest,
        metrics={
            name: draws.estimate(f"{name} of the {model.name}") for name, draws in drawn.items()
        },
        **task.curves(task.sample(rows.labels[kept], model.answers[kept])),
    )


def _comparisons(candidate: Contender, other: Contender, drawn: Drawn) -> list[Comparison]:
    ours = drawn.get(("against", other.name), drawn["model", candidate.name])
    theirs = drawn["model", other.name]
    return [
        Comparison(
            other=other.name,
            metric=metric,
            difference=(ours[metric] - theirs[metric])
            .signed(HIGHER_IS_BETTER[metric])
            .estimate(f"{metric} of the {candidate.name} against the {other.name}"),
        )
        for metric in ours
    ]
