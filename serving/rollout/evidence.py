"""Judge a canary by what was counted since it has weight, reading each sample once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from millrace.analysis import Interval, Judgement, Limits
from millrace.errors import MetricsError
from millrace.release.documents import Release
from serving.metrics.base import MetricsSource
from serving.metrics.intervals import Tally
from serving.rollout.history import History

SETTLING = 3.0
"""Seconds from a commit to the split that it asks for; commits tell whole seconds."""
LATENESS = 0.5
"""Seconds that a sample may be written after it was read."""
_BEFORE = 60.0
"""Seconds before the first weight from which counters are followed."""
_AT_ONCE = 600.0
"""Seconds of samples that are held in memory at once."""


class Judge(Protocol):
    """What `millrace.analysis.judge` does."""

    def __call__(
        self, intervals: Sequence[Interval], limits: Limits, *, since: float, last: bool
    ) -> Judgement:
        """Return what to do with a canary."""
        ...


@dataclass(frozen=True)
class Judged:
    """What the evidence says.

    Attributes:
        judgement: None unless both arms have weight and can be compared.
        blank: intervals in a row, up to now, without data of both arms.
        problem: why the metrics cannot be read; empty if they can.
    """

    judgement: Judgement | None
    blank: int
    problem: str = ""


class Evidence:
    """The evidence of one workload's canary, kept between looks; it can be made anew at any time.

    Intervals without data count only while this process looks on: neither a platform that was
    down over night nor a metrics log that cannot be read for a moment undoes a rollout.
    """

    def __init__(self, source: MetricsSource, judge: Judge, clock: Callable[[], float]) -> None:
        self._source = source
        self._judge = judge
        self._read_last = clock()
        self._watching = self._read_last
        self._of: object = None
        self._tally = Tally(1.0)
        self._frontier = 0.0
        self._asked: object = None
        self._judged = Judged(None, 0)

    def judged(self, release: Release, history: History, now: float) -> Judged:
        """Return what is to be said of the canary now."""
        if release.canary is None or not 0 < release.weights[release.canary.name] < 100:
            return Judged(None, 0)
        length = release.rollout.analysis.interval.total_seconds()
        until = now - LATENESS
        asked = (release, history, math.floor(until / length))
        if asked == self._asked:
            return self._judged
        try:
            found = self._intervals(release, history, length, until)
        except MetricsError as error:
            missed = math.floor((now - self._read_last) / length)
            return Judged(None, missed, str(error))
        self._read_last, self._asked = now, asked
        watched = max(history.weighed, self._watching)
        judgement = self._judge(found, _limits(release), since=history.weighed, last=_last(release))
        self._judged = Judged(judgement, _blank(found, watched, length))
        return self._judged

    def _intervals(
        self, release: Release, history: History, length: float, until: float
    ) -> list[Interval]:
        assert release.canary is not None
        stable, canary = release.stable.name, release.canary.name
        identity = (history.arrival, stable, canary, length)
        if identity != self._of:
            self._of, self._tally = identity, Tally(length)
            self._frontier = history.started - max(length, _BEFORE)
        while self._frontier < until:
            upto = min(self._frontier + _AT_ONCE, until)
            samples = self._source.samples([stable, canary], self._frontier, upto)
            self._tally.feed(one for one in samples if one.time > self._frontier)
            self._frontier = upto
        found = self._tally.intervals(
            history.splits, stable=stable, canary=canary, settling=SETTLING, until=until
        )
        return [one for one in found if one.start >= history.started]


def _limits(release: Release) -> Limits:
    analysis = release.rollout.analysis
    distance = release.canary.score_distance if release.canary else None
    return Limits(
        alpha=analysis.alpha,
        errors=analysis.tolerance.errors,
        slow=analysis.tolerance.slow,
        score_distance=None if distance is None else distance + analysis.tolerance.scores,
        min_samples=analysis.minSamples,
    )


def _last(release: Release) -> bool:
    return release.position.step >= len(release.rollout.steps) - 1


def _blank(found: Sequence[Interval], watched: float, length: float) -> int:
    """Return how many intervals in a row, up to the newest, are without data of both arms."""
    blank = 0
    for one in reversed(found):
        if one.start < watched or (one.stable.requests and one.canary.requests):
            break
        blank += round((one.end - one.start) / length)
    return blank
