"""Arms, a gateway that splits traffic between them, and a judge of what it counted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from rollout_git import Clock

from millrace.analysis import Interval, Judgement, Limits
from millrace.errors import MetricsError
from serving.metrics.base import Sample


@dataclass
class Arms:
    """Which arms run, and how well."""

    ready_ones: dict[str, str] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)

    def ready(self, arm: str, digest: str) -> bool:
        return self.ready_ones.get(arm) == digest


@dataclass
class Gateway:
    """Splits traffic as Git says once the arms are ready, and counts answers."""

    clock: Clock
    arms: Arms
    rate: int = 40
    weights: dict[str, int] = field(default_factory=dict)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)
    log: list[Sample] = field(default_factory=list)
    process: int = 1
    lost: bool = False
    unscraped: bool = False
    heard: float = 0.0
    """When it was last written that both arms answer."""
    answering: bool = False

    def serve(self, weights: Mapping[str, int], seconds: float) -> None:
        if all(arm in self.arms.ready_ones for arm, weight in weights.items() if weight):
            self.weights = dict(weights)
        self.answering = len(self.weights) > 1 and all(self.weights.values())
        for arm, weight in self.weights.items():
            answered = round(self.rate * seconds * weight / 100)
            failed = answered // 2 if arm in self.arms.bad else 0
            for counter, amount in [
                ("requests", answered),
                ("errors", failed),
                ("fast", answered - failed),
            ]:
                key = (arm, counter)
                self.counted[key] = self.counted.get(key, 0) + amount

    def scrape(self) -> None:
        if not self.unscraped:
            self.heard = self.clock() if self.answering else self.heard
            self.log += [
                Sample(self.clock(), arm, f"envoy/{self.process}", counter, value)
                for (arm, counter), value in self.counted.items()
            ]

    def restart(self) -> None:
        self.process += 1
        self.counted = dict.fromkeys(self.counted, 0)

    def samples(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        if self.lost:
            raise MetricsError("the log of metrics does not do as asked")
        low = bisect_left(self.log, since, key=attrgetter("time"))
        high = bisect_right(self.log, until, key=attrgetter("time"))
        return [one for one in self.log[low:high] if one.arm in arms]


def plain_judge(
    intervals: Sequence[Interval], limits: Limits, *, since: float, last: bool
) -> Judgement:
    """Judge by shares: quick, and of the same form as the real one."""
    with_data = [one for one in intervals if one.stable.requests and one.canary.requests]
    here = [one for one in with_data if one.start >= since]
    requests = sum(one.canary.requests for one in with_data)
    errors = sum(one.canary.errors for one in with_data)
    samples = sum(one.canary.requests for one in here)
    verdict, reason = ("promote" if last else "advance"), "no worse"
    if requests and errors / requests > 0.1:
        verdict, reason = "roll back", "errors are beyond the tolerance"
    elif not here:
        verdict, reason = "inconclusive", "no requests of both arms at this step"
    elif samples < limits.min_samples:
        verdict, reason = "hold", "too few requests at this step"
    return Judgement(
        verdict=verdict, reason=reason, samples=samples, indicators=[], intervals=len(with_data)
    )
