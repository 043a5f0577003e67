"""Judge a canary by the intervals so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from millrace.analysis.counts import Interval
from millrace.analysis.judgement import Judgement


@dataclass(frozen=True)
class Limits:
    """What a canary is held to.

    Attributes:
        alpha: chance of a false roll-back over the whole rollout, and of a false promotion.
        errors: tolerated excess of errors over all traffic.
        slow: tolerated excess of slow answers over all traffic.
        score_distance: total variation distance between the arms' scores that is expected: what
            evaluation saw plus the margin; None if the bundles cannot be compared by scores.
        min_samples: requests of the canary at a step before it may leave it.
    """

    alpha: float
    errors: float
    slow: float
    score_distance: float | None
    min_samples: int


def judge(intervals: Sequence[Interval], limits: Limits, *, since: float, last: bool) -> Judgement:
    """Return what to do with a canary.

    Args:
        intervals: all intervals since the canary got its first weight, oldest first.
        limits: what it is held to.
        since: Unix time at which it came to the present step.
        last: whether the present step is the last: then promotion is asked, at full tolerance.
    """
    raise NotImplementedError
