"""Metrics of a model that predicts a number, for many weightings of the same rows at once.

As with classes, a bootstrap resample is a weighting of the rows: every metric is a mean over rows
of a loss that is the same for all resamples.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.shared import bins_of, ratio

Floats = NDArray[np.float64]


class NumberSample:
    """One model's answers for labelled rows, with all that is the same for every weighting.

    Attributes:
        labels: the numbers that were to be predicted; shape [n].
        scores: predicted means; shape [n].
        quantiles: predicted quantiles; shape [n, q].
        levels: their levels; shape [q].
        bin_of: the bin of equally many predictions that each row is in; shape [n].
    """

    def __init__(self, labels: Floats, answers: Floats, levels: tuple[float, ...] = ()) -> None:
        self.labels = labels
        self.scores = answers[:, 0]
        self.quantiles = answers[:, 1:]
        self.levels = np.asarray(levels, dtype=np.float64)
        self.bin_of = bins_of(self.scores)

    @cached_property
    def squares(self) -> Floats:
        """Return the squared error of each row; shape [n]."""
        return np.square(self.scores - self.labels)

    @cached_property
    def distances(self) -> Floats:
        """Return the absolute error of each row; shape [n]."""
        return np.abs(self.scores - self.labels)

    @cached_property
    def pinballs(self) -> Floats:
        """Return the pinball loss of each row, averaged over the quantiles; shape [n]."""
        above = self.labels[:, np.newaxis] - self.quantiles
        losses = np.maximum(self.levels * above, (self.levels - 1) * above)
        return np.asarray(losses.mean(axis=1))

    @cached_property
    def covered(self) -> Floats:
        """Return 1 where a label is at or below its predicted quantile, else 0; shape [n, q]."""
        return (self.labels[:, np.newaxis] <= self.quantiles).astype(np.float64)

    def weighted(self, weights: Floats) -> WeightedNumbers:
        """Return the sample under B weightings, given as shape [B, n]."""
        return WeightedNumbers(self, weights)


class WeightedNumbers:
    """A sample under B weightings at once."""

    def __init__(self, sample: NumberSample, weights: Floats) -> None:
        self.sample = sample
        self.weights = weights

    @cached_property
    def total(self) -> Floats:
        """Return the sum of weights; shape [B]."""
        return np.asarray(self.weights.sum(axis=1))

    def mean(self, values: Floats) -> Floats:
        """Return the weighted mean of a value of each row; shape [B], NaN without any weight."""
        return ratio(self.weights @ values, self.total)


def rmse(w: WeightedNumbers) -> Floats:
    """Return the root of the mean squared error; shape [B]."""
    return np.sqrt(w.mean(w.sample.squares))


def mae(w: WeightedNumbers) -> Floats:
    """Return the mean absolute error; shape [B]."""
    return w.mean(w.sample.distances)


def pinball(w: WeightedNumbers) -> Floats:
    """Return the pinball loss, averaged over the quantiles; shape [B].

    For a quantile q of level t it is the mean of max(t (y - q), (t - 1) (y - q)), which is least
    for the true quantile (Koenker and Bassett 1978, Econometrica 46:33).
    """
    return w.mean(w.sample.pinballs)


def coverage_error(w: WeightedNumbers) -> Floats:
    """Return how far quantiles are from holding what they say; shape [B].

    The mean over the quantiles of |share of labels at or below it - its level|.
    """
    levels = enumerate(w.sample.levels)
    apart = [np.abs(w.mean(w.sample.covered[:, place]) - level) for place, level in levels]
    return np.asarray(np.mean(apart, axis=0))


def ascend(answers: Floats) -> NDArray[np.bool_]:
    """Return in which rows no quantile is below the one before it; shape [n]."""
    return np.asarray((np.diff(answers[:, 1:], axis=1) >= 0).all(axis=1))


METRICS = {"rmse": rmse, "mae": mae}
QUANTILE_METRICS = {"pinball": pinball, "coverage_error": coverage_error}
