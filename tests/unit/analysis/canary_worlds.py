"""Rollouts made of a few numbers, for the tests of the analysis."""

from collections.abc import Sequence

import numpy as np

from millrace.analysis import ArmCounts, Interval, Limits

LIMITS = Limits(alpha=0.05, errors=0.005, slow=0.01, score_distance=0.1, min_samples=200)
EVEN = (0.25, 0.25, 0.25, 0.25)


def arm(
    requests: int, errors: float = 0.0, slow: float = 0.0, scores: Sequence[float] = EVEN
) -> ArmCounts:
    """Return counts that are just the expected ones."""
    return ArmCounts(
        requests=requests,
        errors=round(requests * errors),
        slow=round(requests * slow),
        scores=tuple(round(requests * share) for share in scores),
    )


def intervals(
    number: int,
    *,
    requests: int = 1000,
    weight: float = 0.5,
    stable: dict | None = None,
    canary: dict | None = None,
    start: float = 0.0,
) -> list[Interval]:
    """Return intervals of a minute that are all alike."""
    n_b = round(requests * weight)
    return [
        Interval(
            start=start + 60 * i,
            end=start + 60 * (i + 1),
            weight=weight,
            stable=arm(requests - n_b, **(stable or {})),
            canary=arm(n_b, **(canary or {})),
        )
        for i in range(number)
    ]


def drawn(
    rng: np.random.Generator,
    rates: Sequence[tuple[float, float]],
    weights: Sequence[float],
    requests: int = 1000,
) -> list[Interval]:
    """Return intervals with errors drawn at the arms' rates and split at random."""
    made = []
    for t, ((q_a, q_b), weight) in enumerate(zip(rates, weights, strict=True)):
        n_b = int(rng.binomial(requests, weight))
        stable = ArmCounts(requests - n_b, int(rng.binomial(requests - n_b, q_a)), 0)
        canary = ArmCounts(n_b, int(rng.binomial(n_b, q_b)), 0)
        made.append(Interval(60.0 * t, 60.0 * t + 60, weight, stable, canary))
    return made
