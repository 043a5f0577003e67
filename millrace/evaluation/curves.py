"""Curves that show a model to people, thinned to what a screen can show."""

from __future__ import annotations

from typing import Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.binary import BinarySample
from millrace.evaluation.number import NumberSample
from millrace.evaluation.result import Curve
from millrace.evaluation.shared import BINS

Floats = NDArray[np.float64]

POINTS = 200
"""Greatest number of points of a curve."""


class Curves(TypedDict):
    """The curves of one model; None where its kind has no such curve."""

    roc: Curve | None
    precision_recall: Curve | None
    calibration: Curve
    coverage: Curve | None


def curves_of_classes(sample: BinarySample) -> Curves:
    """Return how a classifier ranks rows, and how far its probabilities can be trusted."""
    return Curves(
        roc=roc_curve(sample),
        precision_recall=precision_recall_curve(sample),
        calibration=calibration_curve(sample),
        coverage=None,
    )


def curves_of_numbers(sample: NumberSample) -> Curves:
    """Return how far predicted numbers, and their quantiles if there are any, can be trusted."""
    return Curves(
        roc=None,
        precision_recall=None,
        calibration=calibration_curve(sample),
        coverage=coverage_curve(sample) if len(sample.levels) else None,
    )


class Binned(Protocol):
    """A sample whose rows are in bins of equally many scores; see `bins_of`."""

    labels: Floats
    scores: Floats
    bin_of: NDArray[np.intp]


def roc_curve(sample: BinarySample) -> Curve:
    """Return false and true positive rate at every threshold, from (0, 0) to (1, 1)."""
    once = sample.weighted(np.ones((1, len(sample.labels))))
    positive = np.r_[0.0, once.positive_down_to[0]]
    negative = np.r_[0.0, once.down_to[0]] - positive
    x, y = negative / negative[-1], positive / positive[-1]
    return _thinned(x, y, along=x + y)


def precision_recall_curve(sample: BinarySample) -> Curve:
    """Return recall and precision at every threshold, from the highest score to the lowest."""
    once = sample.weighted(np.ones((1, len(sample.labels))))
    recall = once.positive_down_to[0] / once.positive[0]
    precision = once.positive_down_to[0] / once.down_to[0]
    return _thinned(recall, precision, along=recall)


def calibration_curve(sample: Binned) -> Curve:
    """Return mean score and mean label of each bin; of classes, that is the rate of positives.

    Ties that span bins leave some empty: these have no point.
    """
    rows = np.bincount(sample.bin_of, minlength=BINS)
    filled = rows > 0
    scores = np.bincount(sample.bin_of, weights=sample.scores, minlength=BINS)[filled]
    labels = np.bincount(sample.bin_of, weights=sample.labels, minlength=BINS)[filled]
    return Curve(x=(scores / rows[filled]).tolist(), y=(labels / rows[filled]).tolist())


def coverage_curve(sample: NumberSample) -> Curve:
    """Return each quantile's level, and the share of labels at or below it."""
    return Curve(x=sample.levels.tolist(), y=sample.covered.mean(axis=0).tolist())


def _thinned(x: Floats, y: Floats, along: Floats) -> Curve:
    """Return the curve with at most POINTS points, spread evenly over an ascending position."""
    if len(x) > POINTS:
        wanted = np.linspace(along[0], along[-1], POINTS)
        kept = np.unique(np.searchsorted(along, wanted, side="left"))
        kept[-1] = len(x) - 1
        x, y = x[kept], y[kept]
    return Curve(x=x.tolist(), y=y.tolist())
