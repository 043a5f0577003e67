"""Ask `millrace.analysis.judge` itself about some of the looks at simulated rollouts.

A threshold, a line or a rule that is another one here than there shows first where the evidence
comes close to what is needed. So of each simulation those looks are judged at which a rollout was
nearest to its decision, in the nearest of all rollouts; and as many looks by lot.
"""

from __future__ import annotations

import numpy as np

from benchmarks.analysis_decisions import ALPHA, Tolerances
from benchmarks.analysis_traffic import Numbers, Rollouts
from benchmarks.rows import Row
from millrace.analysis import ArmCounts, Interval, Limits, judge
from millrace.analysis.judgement import Verdict

LOOKS = 100
"""Looks that are judged because they are near, and by lot."""
MINUTE = 60.0


class Judged:
    """Counts the looks at which `judge` says otherwise than the simulation."""

    def __init__(self) -> None:
        self.looks = 0
        self.otherwise = 0

    def compare(
        self,
        rollouts: Rollouts,
        tolerances: Tolerances,
        verdict: Verdict,
        margin: Numbers,
        *,
        last: bool = True,
    ) -> None:
        """Judge some looks.

        Args:
            rollouts: what was counted.
            tolerances: what the canary is held to.
            verdict: what the simulation decided on.
            margin: when it did: where it is not below 0, [T, R].
            last: whether every step is taken for the last one.
        """
        limits = Limits(ALPHA, tolerances["errors"], tolerances["slow"], None, min_samples=1)
        for look, rollout in _looks(margin):
            intervals = _intervals(rollouts, look, rollout)
            weight = intervals[-1].weight
            since = next(one.start for one in intervals if one.weight == weight)
            said = judge(intervals, limits, since=since, last=last).verdict
            self.looks += 1
            self.otherwise += int((said == verdict) != (margin[look, rollout] >= 0))

    def row(self) -> Row:
        """Return the row that is met if they never differed."""
        return Row(
            name=f"looks at which judge() itself says otherwise, of {self.looks:,}",
            ours=self.otherwise,
            peer=None,
            ratio=None,
            goal="= 0",
            met=self.looks > 0 and self.otherwise == 0,
        )


def _looks(margin: Numbers) -> list[tuple[int, int]]:
    distance = np.abs(margin)
    nearest = distance.min(axis=0).argsort()[:LOOKS]
    rng = np.random.default_rng(0)
    looks = np.concatenate(
        [distance.argmin(axis=0)[nearest], rng.integers(len(margin), size=LOOKS)]
    )
    which = np.concatenate([nearest, rng.integers(margin.shape[1], size=LOOKS)])
    return list(zip(looks.tolist(), which.tolist(), strict=True))


def _intervals(rollouts: Rollouts, look: int, rollout: int) -> list[Interval]:
    """Return what `judge` is given at a look: the intervals of a rollout until then."""
    stable, canary = (_arm(rollouts, arm, look, rollout) for arm in ("a", "b"))
    weights = rollouts.weight[: look + 1, 0].tolist()
    return [
        Interval(MINUTE * t, MINUTE * (t + 1), weight, stable[t], canary[t])
        for t, weight in enumerate(weights)
    ]


def _arm(rollouts: Rollouts, arm: str, look: int, rollout: int) -> list[ArmCounts]:
    errors, slow = rollouts.errors, rollouts.slow
    counts = (getattr(errors, f"n_{arm}"), getattr(errors, f"k_{arm}"), getattr(slow, f"k_{arm}"))
    table = np.stack([count[: look + 1, rollout] for count in counts], axis=1)
    return [ArmCounts(*row) for row in table.astype(int).tolist()]
