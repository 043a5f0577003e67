"""Judge a canary by what was counted since it has weight, reading each sample once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from millrace.analysis import Interval, Judgement, Limits
from millrace.errors import AnalysisError, MetricsError
from millrace.release.documents import Release
from serving.metrics.base import MetricsSource
from serving.metrics.intervals import Tally
from serving.rollout.history import History

SETTLING = 3.0
"""Seconds from a commit to the split that it asks for, on a laptop; commits tell whole seconds."""
LATENESS = 0.5
"""Seconds that a sample may be written after it was read."""
_BEFORE = 60.0
"""Seconds before the first weight from which counters are followed."""
_AWAY = 60.0
"""Seconds without a look, or one interval if that is longer, after which nobody looked on."""
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
        judgement: None unless both arms have weight and their metrics can be read.
        blank: intervals in a row, up to now, without data of both arms.
        problem: why the metrics cannot be read or judged; empty if they can.
    """

    judgement: Judgement | None
    blank: int
    problem: str = ""


class Evidence:
    """The evidence of one workload's canary, kept between looks; it can be made anew at any time.

    Intervals without data count only while this process looks on: neither a platform that was
    down or asleep over night nor a metrics log that cannot be read for a moment undoes a rollout.
    """

    def __init__(
        self,
        source: MetricsSource,
        judge: Judge,
        clock: Callable[[], float],
        settling: float = SETTLING,
    ) -> None:
        """Take what was counted, who judges, and the seconds in which a split follows Git."""
        self._source = source
        self._judge = judge
        self._settling = settling
        self._looked = self._watching = clock()
        self._failing: float | None = None
        self._of: object = None
        self._tally = Tally(1.0)
        self._frontier = 0.0
        self._asked: object = None
        self._judged = Judged(None, 0)

    def judged(self, release: Release, history: History, now: float) -> Judged:
        """Return what is to be said of the canary now."""
        length = release.rollout.analysis.interval.total_seconds()
        self._look_on(now, length)
        if release.canary is None or not 0 < release.weights[release.canary.name] < 100:
            self._failing = None
            return Judged(None, 0)
        until = now - LATENESS
        asked = (release, history, math.floor(until / length))
        if asked == self._asked:
            return self._judged
        try:
            found = self._intervals(release, history, length, until)
        except MetricsError as error:
            self._failing = now if self._failing is None else self._failing
            silent = now - max(self._failing, self._watching, history.weighed)
            return Judged(None, max(0, math.floor(silent / length)), str(error))
        self._failing, self._asked = None, asked
        blank = _blank(found, max(history.weighed, self._watching), length)
        self._judged = self._weighed(found, release, history, blank)
        return self._judged

    def _look_on(self, now: float, length: float) -> None:
        """Note a look; one that comes after a long absence is the first."""
        if now - self._looked > max(length, _AWAY):
            self._watching = now
        self._looked = now

    def _weighed(
        self, found: Sequence[Interval], release: Release, history: History, blank: int
    ) -> Judged:
        """Return what the judge says; counts that cannot be are no evidence, whatever they are."""
        try:
            judgement = self._judge(
                found, _limits(release), since=history.weighed, last=_last(release)
            )
        except AnalysisError as error:
            nothing = Judgement(
                verdict="inconclusive", reason=str(error), samples=0, indicators=[], intervals=0
            )
            return Judged(nothing, blank, str(error))
        return Judged(judgement, blank)

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
            history.splits, stable=stable, canary=canary, settling=self._settling, until=until
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
