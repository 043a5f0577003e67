"""Bootstrap: how far metrics would move if other rows of the same kind had been held out."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from millrace.errors import EvaluationError
from millrace.evaluation.result import Estimate
from millrace.evaluation.task import Sample, Task

Floats = NDArray[np.float64]
Key = TypeVar("Key", bound=Hashable)

RESAMPLES = 1000
_CELLS = 400_000
"""Weights held at once: few enough that they and the metrics' tables stay near the processor."""
_STREAM = 0xB007
"""Tells the bootstrap's random numbers from others of the same seed."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What a bootstrap measures: a model on some rows.

    Attributes:
        sample: labels and scores of m rows.
        rows: which of the n held-out rows they are, shape [m]; None for all of them.
    """

    sample: Sample
    rows: NDArray[np.intp] | None = None


@dataclass(frozen=True, eq=False)
class Draws:
    """A metric on the rows themselves and on each resample.

    Attributes:
        value: on the rows themselves.
        draws: on each resample, shape [B]; NaN where the metric is undefined there, because the
            resample holds no row, or one class only.
    """

    value: float
    draws: Floats

    def __sub__(self, other: Draws) -> Draws:
        """Return the paired difference: resample by resample, on the same rows."""
        return Draws(self.value - other.value, self.draws - other.draws)

    def signed(self, higher_is_better: bool) -> Draws:
        """Return the difference with the sign that makes positive the better."""
        return self if higher_is_better else Draws(-self.value, -self.draws)

    def estimate(self, what: str) -> Estimate:
        """Return the value with its 95 % percentile interval (Efron 1979, Ann. Statist. 7:1).

        Resampling adds noise, and with it calibration error: where the interval would miss the
        value it is stretched to it.

        Args:
            what: the metric and whose it is, for the message.

        Raises:
            EvaluationError: see `finite`.
        """
        known = self.draws[~np.isnan(self.draws)]
        low, high = np.percentile(known, [2.5, 97.5]) if known.size else (np.nan, np.nan)
        return finite(what, self.value, float(low), float(high))


def finite(what: str, value: float, low: float, high: float) -> Estimate:
    """Return an estimate whose interval is stretched to its value.

    Raises:
        EvaluationError: one of them is no finite number: neither a gate nor JSON can hold it.
    """
    if not all(map(math.isfinite, (value, low, high))):
        raise EvaluationError(
            "has no finite value or interval on the held-out rows",
            where=what,
            found=f"{value:g} ({low:g} to {high:g})",
            expected="finite numbers, which take rows of both classes where there are classes",
            remedy="take in more records, or widen `split`",
        )
    return Estimate(value=value, low=min(low, value), high=max(high, value))


def resample(
    task: Task,
    subjects: Mapping[Key, Subject],
    rows: int,
    *,
    seed: int,
    blocks: NDArray[np.intp] | None = None,
    resamples: int = RESAMPLES,
    told: Callable[[int], None] = lambda _: None,
) -> dict[Key, dict[str, Draws]]:
    """Return every metric of every subject, with what it is on each resample of the rows.

    All subjects see the same resamples, so that their differences are paired.

    Args:
        task: the metrics.
        subjects: what to measure.
        rows: how many held-out rows there are.
        seed: seed of the resamples.
        blocks: the block of each row, counted from 0, shape [rows]: its rows are drawn together;
            None to draw row by row.
        resamples: how many there are.
        told: is called with the number of resamples done, now and then.
    """
    ones = np.ones((1, rows))
    values = {key: _measure(task, subject, ones) for key, subject in subjects.items()}
    draws = {key: {name: np.empty(resamples) for name in task.metrics} for key in subjects}
    random = np.random.default_rng([seed, _STREAM])
    units = rows if blocks is None else int(blocks.max()) + 1
    step = max(1, _CELLS // rows)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        weights = _weights(random, stop - start, units)
        if blocks is not None:
            weights = weights[:, blocks]
        for key, subject in subjects.items():
            for name, measured in _measure(task, subject, weights).items():
                draws[key][name][start:stop] = measured
        told(stop)
    return {
        key: {name: Draws(float(values[key][name][0]), draws[key][name]) for name in task.metrics}
        for key in subjects
    }


def _weights(random: np.random.Generator, resamples: int, units: int) -> Floats:
    """Return how often each row or block is drawn in each resample; shape [resamples, units]."""
    drawn = random.integers(0, units, size=(resamples, units))
    drawn += np.arange(0, resamples * units, units)[:, np.newaxis]
    counts = np.bincount(drawn.reshape(-1), minlength=resamples * units)
    return counts.reshape(resamples, units).astype(np.float64)


def _measure(task: Task, subject: Subject, weights: Floats) -> dict[str, Floats]:
    kept = weights if subject.rows is None else weights[:, subject.rows]
    weighted = subject.sample.weighted(kept)
    return {name: metric(weighted) for name, metric in task.metrics.items()}
