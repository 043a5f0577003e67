"""The intervals as arrays, time on the first axis, after a look at whether they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from millrace.analysis.bet import Numbers
from millrace.analysis.counts import ArmCounts, Interval
from millrace.errors import AnalysisError

_SLACK = 1e-6
"""Seconds by which an interval may begin before the one before it ends: floats are rounded."""


@dataclass(frozen=True)
class Table:
    """Counts of all intervals.

    Attributes:
        start: Unix time at which each begins, [T].
        weight: share of all requests given to the canary, [T].
        requests: of stable and canary, [2, T].
        errors: likewise.
        slow: likewise.
        scores: predictions by bin, [2, T, bins]; no bins if none were counted.
    """

    start: Numbers
    weight: Numbers
    requests: Numbers
    errors: Numbers
    slow: Numbers
    scores: Numbers


def table(intervals: Sequence[Interval]) -> Table:
    """Return the intervals as arrays.

    Raises:
        AnalysisError: an interval cannot be: counts below zero, more bad events than events, a
            weight outside 0 to 1, another number of bins, or out of order.
    """
    bins = 0
    for index, interval in enumerate(intervals):
        _check_time(intervals, index)
        for name, arm in (("stable", interval.stable), ("canary", interval.canary)):
            _check_counts(arm, f"{_place(index, interval)}, {name} arm")
            bins = _check_bins(arm, bins, f"{_place(index, interval)}, {name} arm")
    arms = [[i.stable for i in intervals], [i.canary for i in intervals]]
    return Table(
        start=np.array([i.start for i in intervals], float),
        weight=np.array([i.weight for i in intervals], float),
        requests=np.array([[c.requests for c in arm] for arm in arms], float),
        errors=np.array([[c.errors for c in arm] for arm in arms], float),
        slow=np.array([[c.slow for c in arm] for arm in arms], float),
        scores=np.array([[c.scores or (0,) * bins for c in arm] for arm in arms], float).reshape(
            2, len(intervals), bins
        ),
    )


def _place(index: int, interval: Interval) -> str:
    return f"interval {index} ({interval.start:.3f} to {interval.end:.3f})"


def _check_time(intervals: Sequence[Interval], index: int) -> None:
    interval = intervals[index]
    where = _place(index, interval)
    if not 0 < interval.weight <= 1:
        raise AnalysisError(
            "the canary's weight is no share of the requests",
            where=where,
            found=str(interval.weight),
            expected="more than 0, at most 1",
        )
    earliest = intervals[index - 1].end if index else -np.inf
    if not interval.start >= earliest - _SLACK:
        raise AnalysisError(
            "it begins before the one before it ends",
            where=where,
            found=f"{interval.start:.3f}",
            expected=f"{earliest:.3f} or later: oldest first, none twice",
        )
    if not interval.end > interval.start:
        raise AnalysisError("it ends before it begins", where=where)


def _check_counts(arm: ArmCounts, where: str) -> None:
    if not arm.requests >= 0:
        raise AnalysisError("fewer than no requests", where=where, found=str(arm.requests))
    for name, bad in (("errors", arm.errors), ("slow answers", arm.slow)):
        if not 0 <= bad <= arm.requests:
            raise AnalysisError(
                f"{name} are no part of the requests",
                where=where,
                found=f"{bad} of {arm.requests}",
                expected=f"0 to {arm.requests}",
            )
    if not all(count >= 0 for count in arm.scores):
        raise AnalysisError("fewer than no scores in a bin", where=where, found=str(arm.scores))


def _check_bins(arm: ArmCounts, bins: int, where: str) -> int:
    if arm.scores and bins and len(arm.scores) != bins:
        raise AnalysisError(
            "scores are counted in other bins than before",
            where=where,
            found=f"{len(arm.scores)} bins",
            expected=f"{bins} bins, those of the champion's card",
        )
    return len(arm.scores) or bins
