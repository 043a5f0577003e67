"""Metrics of a binary classifier, for many weightings of the same rows at once.

A bootstrap resample is a weighting: how often each row was drawn. So one sort of the scores serves
every resample, and every metric is a few sums along sorted rows.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.shared import BINS, bins_of, ratio

Floats = NDArray[np.float64]

_CLIP = 1e-15
"""Least likelihood of a row in the log loss."""
_TOP = 0.1
"""Share of rows that the lift looks at."""


class BinarySample:
    """One model's scores of labelled rows, with all that is the same for every weighting.

    Attributes:
        labels: 1 for the positive class, else 0; shape [n].
        scores: predicted probability of the positive class; shape [n].
        order: the rows from the highest score to the lowest; shape [n].
        starts: where in `order` each run of tied scores starts; shape [g].
        bin_of: the calibration bin of each row; shape [n].
    """

    def __init__(self, labels: Floats, scores: Floats) -> None:
        self.labels = labels
        self.scores = scores
        self.order = np.argsort(-scores, kind="stable")
        descending = scores[self.order]
        self.starts = np.flatnonzero(np.r_[True, descending[1:] != descending[:-1]])
        self.bin_of = bins_of(scores)

    @cached_property
    def losses(self) -> Floats:
        """Return the negative log likelihood of each row; shape [n]."""
        likely = np.where(self.labels == 1, self.scores, 1 - self.scores)
        return np.asarray(-np.log(np.clip(likely, _CLIP, 1.0)))

    @cached_property
    def squares(self) -> Floats:
        """Return the squared error of each row; shape [n]."""
        return np.square(self.scores - self.labels)

    @cached_property
    def residuals(self) -> Floats:
        """Return label minus score of each row, in the column of its bin; shape [n, BINS]."""
        table = np.zeros((len(self.scores), BINS))
        table[np.arange(len(self.scores)), self.bin_of] = self.labels - self.scores
        return table

    def weighted(self, weights: Floats) -> Weighted:
        """Return the sample under B weightings, given as shape [B, n]."""
        return Weighted(self, weights)


class Weighted:
    """A sample under B weightings at once: what several metrics need, computed once.

    Arrays of shape [B, g] go from the highest score to the lowest, a column for each run of ties.
    """

    def __init__(self, sample: BinarySample, weights: Floats) -> None:
        self.sample = sample
        self.weights = weights

    @cached_property
    def total(self) -> Floats:
        """Return the sum of weights; shape [B]."""
        return np.asarray(self.weights.sum(axis=1))

    @cached_property
    def _sorted(self) -> Floats:
        return self.weights[:, self.sample.order]

    @cached_property
    def at(self) -> Floats:
        """Return the weight of the rows at each score; shape [B, g]."""
        return self._by_score(self._sorted)

    @cached_property
    def positive_at(self) -> Floats:
        """Return the weight of the positive rows at each score; shape [B, g]."""
        return self._by_score(self._sorted * self.sample.labels[self.sample.order])

    @cached_property
    def down_to(self) -> Floats:
        """Return the weight of the rows at each score or above; shape [B, g]."""
        return np.cumsum(self.at, axis=1)

    @cached_property
    def positive_down_to(self) -> Floats:
        """Return the weight of the positive rows at each score or above; shape [B, g]."""
        return np.cumsum(self.positive_at, axis=1)

    @cached_property
    def positive(self) -> Floats:
        """Return the weight of all positive rows; shape [B]."""
        return self.positive_down_to[:, -1]

    def _by_score(self, table: Floats) -> Floats:
        starts = self.sample.starts
        if len(starts) == table.shape[1]:
            return table
        return np.add.reduceat(table, starts, axis=1)


def roc_auc(w: Weighted) -> Floats:
    """Return the area under the ROC curve; shape [B], NaN where a class is missing.

    The share of pairs of a positive and a negative row in which the positive scores higher, ties
    counted half: the Mann-Whitney statistic (Hanley and McNeil 1982, Radiology 143:29).
    """
    negative_at = w.at - w.positive_at
    beaten_by = w.positive_down_to - 0.5 * w.positive_at
    wins = np.einsum("bg,bg->b", negative_at, beaten_by)
    return ratio(wins, w.positive * (w.total - w.positive))


def pr_auc(w: Weighted) -> Floats:
    """Return the average precision; shape [B], NaN without a positive row.

    The sum over thresholds of (recall - recall before) * precision, without interpolation
    (Boyd, Eng and Page 2013, ECML PKDD).
    """
    precision = ratio(w.positive_down_to, w.down_to, otherwise=0.0)
    return ratio(np.einsum("bg,bg->b", w.positive_at, precision), w.positive)


def log_loss(w: Weighted) -> Floats:
    """Return the mean negative log likelihood in nats; shape [B].

    -mean(y ln p + (1 - y) ln(1 - p)), the likelihood of a row held at 1e-15 or more (Good 1952,
    JRSS B 14:107).
    """
    return ratio(w.weights @ w.sample.losses, w.total)


def brier(w: Weighted) -> Floats:
    """Return the mean of (p - y)^2; shape [B] (Brier 1950, Monthly Weather Review 78:1)."""
    return ratio(w.weights @ w.sample.squares, w.total)


def calibration_error(w: Weighted) -> Floats:
    """Return the expected calibration error over ten bins; shape [B].

    The sum over bins of (share of rows) * |rate of positives - mean p|, the bins holding equally
    many rows of the unweighted sample and tied scores staying together (Naeini, Cooper and
    Hauskrecht 2015, AAAI; equal counts as in Nguyen and O'Connor 2015, EMNLP).
    """
    return ratio(np.abs(w.weights @ w.sample.residuals).sum(axis=1), w.total)


def lift_at_10(w: Weighted) -> Floats:
    """Return the lift of the highest tenth; shape [B], NaN without a positive row.

    The rate of positives among the tenth of the rows that score highest, over the rate among all;
    rows tied at the border count by the share of them that fits, which is the mean over all ways
    to break the tie.
    """
    wanted = _TOP * w.total
    above = w.down_to - w.at
    taken = np.clip(wanted[:, np.newaxis] - above, 0.0, w.at)
    found = np.einsum("bg,bg->b", taken, ratio(w.positive_at, w.at, otherwise=0.0))
    return ratio(found * w.total, wanted * w.positive)


def is_probability(answers: Floats) -> NDArray[np.bool_]:
    """Return which answers, of shape [n, 1], lie between 0 and 1; shape [n]."""
    return (answers[:, 0] >= 0) & (answers[:, 0] <= 1)


METRICS = {
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
    "log_loss": log_loss,
    "brier": brier,
    "calibration_error": calibration_error,
    "lift_at_10": lift_at_10,
}
