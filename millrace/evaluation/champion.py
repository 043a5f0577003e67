"""The champion on the candidate's held-out rows, as far as that is possible and fair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from millrace.dataset.manifest import EVENT_TIME, REQUEST
from millrace.dataset.split import trained_on
from millrace.errors import EvaluationError
from millrace.evaluation.held_out import Rows
from millrace.evaluation.scoring import score
from millrace.evaluation.task import Task
from millrace.export.manifest import ScoreBins
from millrace.registry.card import Card
from millrace.workload.target import Kind

_WITHOUT = "compare with no champion once: --champion none"


@dataclass(frozen=True, eq=False)
class Champion:
    """The champion's answers.

    Attributes:
        answers: for each of the n held-out rows; shape [n, 1 + q].
        fair: the rows that it had not trained on; shape [m].
        bins: the bins that its scores are counted in, from its card.
    """

    answers: NDArray[np.float64]
    fair: NDArray[np.intp]
    bins: ScoreBins


def score_champion(bundle: Path, rows: Rows, task: Task) -> Champion:
    """Return what the champion answers for the held-out rows.

    Args:
        bundle: its folder, with model.onnx and card.json.
        rows: the n held-out rows.
        task: what kind of prediction it makes.

    Raises:
        MillraceError: it cannot be compared: its card or graph cannot be read, it predicts
            something else, it needs a feature that the rows do not have, or it had trained on so
            many of them that one class or none is left.
    """
    card = Card.read(bundle / "card.json")
    _require_the_same_outputs(card, task)
    held = {feature.name: feature.kind for feature in rows.manifest.features}
    for feature in card.inputs:
        if held.get(feature.name) != feature.kind:
            of = f"of the feature view {feature.view!r}"
            raise EvaluationError(
                f"the champion needs the {feature.kind} {feature.name!r} "
                f"{'that requests bring' if feature.view == REQUEST else of}, "
                "which the dataset does not have",
                found=f"it as a {held[feature.name]}" if feature.name in held else "",
                remedy=f"bring it back, or {_WITHOUT}",
            )
    answers = score(bundle / "model.onnx", rows.frame, card.inputs, card.outputs)
    if not task.possible(answers).all():
        raise EvaluationError(f"the champion answers what is not {task.answer}")
    fair = np.flatnonzero(~_seen_by(card, rows))
    positives = rows.positives(fair)
    if not len(fair) or positives in (0, len(fair)):
        raise EvaluationError(
            "the champion had trained on the held-out rows",
            found=f"{len(fair)} of {len(rows)} rows left"
            + ("" if positives is None else ", not of both classes"),
            remedy=f"run as of a time long enough after its training, or {_WITHOUT}",
        )
    return Champion(answers, fair, card.counting_bins)


def _require_the_same_outputs(card: Card, task: Task) -> None:
    theirs, ours = _predicted(card.kind, card.quantiles), _predicted(task.kind, task.quantiles)
    if theirs != ours:
        raise EvaluationError(
            f"the champion predicts {theirs}, and the candidate {ours}",
            remedy=f"predict the same, or {_WITHOUT}",
        )


def _predicted(kind: Kind, quantiles: Sequence[float]) -> str:
    if kind == "binary":
        return "a probability"
    levels = ", ".join(f"{level!r}" for level in quantiles)
    return f"a number and its quantiles {levels}" if levels else "a number"


def counts(scores: NDArray[np.float64], bins: ScoreBins) -> list[int]:
    """Return how many of n scores fall into each bin; one on an edge belongs to the bin above."""
    where = np.searchsorted(np.asarray(bins.edges), scores, side="right")
    return [int(count) for count in np.bincount(where, minlength=len(bins.edges) + 1)]


def _seen_by(card: Card, rows: Rows) -> NDArray[np.bool_]:
    missing = [key for key in card.join_keys if key not in rows.frame.columns]
    if missing:
        raise EvaluationError(
            f"what the champion had trained on cannot be told without the join key {missing[0]!r}",
            found=", ".join(rows.manifest.join_keys),
            remedy=f"bring the key back, or {_WITHOUT}",
        )
    times = rows.frame[EVENT_TIME] if EVENT_TIME in rows.frame.columns else None
    return trained_on(card.split, rows.frame[card.join_keys], times)
