"""Curves that show a binary classifier to people, thinned to what a screen can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.binary import BINS, BinarySample
from millrace.evaluation.result import Curve

Floats = NDArray[np.float64]

POINTS = 200
"""Greatest number of points of a curve."""


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


def calibration_curve(sample: BinarySample) -> Curve:
    """Return mean score and rate of positives of the bins of the calibration error.

    Ties that span bins leave some empty: these have no point.
    """
    rows = np.bincount(sample.bin_of, minlength=BINS)
    filled = rows > 0
    scores = np.bincount(sample.bin_of, weights=sample.scores, minlength=BINS)[filled]
    positives = np.bincount(sample.bin_of, weights=sample.labels, minlength=BINS)[filled]
    return Curve(x=(scores / rows[filled]).tolist(), y=(positives / rows[filled]).tolist())


def _thinned(x: Floats, y: Floats, along: Floats) -> Curve:
    """Return the curve with at most POINTS points, spread evenly over an ascending position."""
    if len(x) > POINTS:
        wanted = np.linspace(along[0], along[-1], POINTS)
        kept = np.unique(np.searchsorted(along, wanted, side="left"))
        kept[-1] = len(x) - 1
        x, y = x[kept], y[kept]
    return Curve(x=x.tolist(), y=y.tolist())
