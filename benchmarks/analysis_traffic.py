"""Traffic of simulated rollouts: rates that stand still, follow the hour, burst, and move.

Arrays have time on the first axis and rollouts on the second. Requests come at random, so a burst
that takes a part of an interval meets each request of either arm with that part as its chance:
the counts of an interval are binomial with the interval's mean rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]
Scenario = Callable[[np.random.Generator, float, int], Numbers]
"""Returns the rate of each interval and rollout, [T, R], about a rate."""

INTERVALS = 60
REQUESTS = 1000
"""Expected requests of both arms in an interval."""
STEPS = np.repeat([0.05, 0.25, 0.5], INTERVALS // 3)[:, None]
"""Weights of a rollout whose steps take equally long."""


@dataclass(frozen=True)
class Counts:
    """What both arms did: events and bad events, [T, R]."""

    n_a: Numbers
    k_a: Numbers
    n_b: Numbers
    k_b: Numbers

    def parts(self, rollouts: int) -> Iterator[Counts]:
        """Return the counts a few rollouts at a time, so that they fit into a processor's cache."""
        for first in range(0, self.n_a.shape[1], rollouts):
            few = np.s_[:, first : first + rollouts]
            yield Counts(self.n_a[few], self.k_a[few], self.n_b[few], self.k_b[few])


def draw(rng: np.random.Generator, q_a: Numbers, q_b: Numbers, weight: Numbers) -> Counts:
    """Return counts of both arms at these rates, the requests split at random."""
    shape = np.broadcast_shapes(q_a.shape, q_b.shape)
    n_a = rng.poisson(REQUESTS * (1 - weight) * np.ones(shape))
    n_b = rng.poisson(REQUESTS * weight * np.ones(shape))
    k_a, k_b = rng.binomial(n_a, q_a), rng.binomial(n_b, q_b)
    return Counts(*(np.asarray(c, float) for c in (n_a, k_a, n_b, k_b)))


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
