"""Traffic of simulated rollouts: rates that stand still, follow the hour, burst, and move.

Arrays have time on the first axis and rollouts on the second. Requests come at random, so a burst
that takes a part of an interval meets each request of either arm with that part as its chance:
the counts of an interval are binomial with the interval's mean rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]
Indicator = Literal["errors", "slow"]
Scenario = Callable[[np.random.Generator, float, int], Numbers]
"""Returns the rate of each interval and rollout, [T, R], about a rate."""

INTERVALS = 60
REQUESTS = 1000
"""Expected requests of both arms in an interval."""
STEPS = np.repeat([0.05, 0.25, 0.5], INTERVALS // 3)[:, None]
"""Weights of a rollout whose steps take equally long."""


@dataclass(frozen=True)
class Counts:
    """What both arms did, by one indicator: events and bad events, [T, R]."""

    n_a: Numbers
    k_a: Numbers
    n_b: Numbers
    k_b: Numbers


@dataclass(frozen=True)
class Rollouts:
    """What a gateway counts: requests of either arm, and which of them were bad.

    Attributes:
        weight: of the canary in each interval, [T, 1].
        errors: the requests by errors.
        slow: the same requests by slow answers.
    """

    weight: Numbers
    errors: Counts
    slow: Counts

    def by(self, indicator: Indicator) -> Counts:
        """Return the counts by an indicator."""
        return self.errors if indicator == "errors" else self.slow


def draw(
    rng: np.random.Generator,
    weight: Numbers,
    rates: dict[Indicator, tuple[Numbers, Numbers]],
    requests: int = REQUESTS,
) -> Rollouts:
    """Return rollouts whose requests are split at random.

    Args:
        rng: what is drawn from.
        weight: of the canary, [T, 1].
        rates: rates of the stable arm and of the canary, [T, R]; an indicator that is not named
            has no bad events.
        requests: expected requests of both arms in an interval.
    """
    shape = next(iter(rates.values()))[1].shape
    n_a = rng.poisson(requests * (1 - weight) * np.ones(shape))
    n_b = rng.poisson(requests * weight * np.ones(shape))

    def counts(indicator: Indicator) -> Counts:
        q_a, q_b = rates.get(indicator, (0.0, 0.0))
        bad = rng.binomial(n_a, q_a), rng.binomial(n_b, q_b)
        return Counts(*(np.asarray(c, float) for c in (n_a, bad[0], n_b, bad[1])))

    return Rollouts(weight, errors=counts("errors"), slow=counts("slow"))


def constant(rng: np.random.Generator, rate: float, rollouts: int) -> Numbers:
    """Return a rate that stands still."""
    del rng
    return np.full((INTERVALS, rollouts), rate)


def hourly(rng: np.random.Generator, rate: float, rollouts: int) -> Numbers:
    """Return a rate that swings between a fifth and 1.8 of itself, begun at any time of the day."""
    time = np.arange(INTERVALS)[:, None] / INTERVALS + rng.uniform(size=rollouts)
    return rate * (1 + 0.8 * np.sin(2 * np.pi * time))


def bursts(rng: np.random.Generator, rate: float, rollouts: int) -> Numbers:
    """Return a rate that in each twentieth interval meets a burst, of which up to half fails."""
    share = rng.uniform(0, 0.5, (INTERVALS, rollouts))
    burst = rng.uniform(size=(INTERVALS, rollouts)) < 0.05
    return rate + burst * share * (1 - rate)


def rising(rng: np.random.Generator, rate: float, rollouts: int) -> Numbers:
    """Return a rate that triples as the weight goes from step to step: Simpson's trap."""
    del rng
    return rate * np.repeat([1.0, 2.0, 3.0], INTERVALS // 3)[:, None] * np.ones((1, rollouts))


SCENARIOS = {
    "constant rates": constant,
    "rates following the hour": hourly,
    "bursts in both arms": bursts,
    "rates rising with the weight": rising,
}
