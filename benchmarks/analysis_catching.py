"""How many requests of the canary it takes to catch a doubled rate, beside threshold loops.

Requests are the canary's until half of 10,000 rollouts are caught. The peers' thresholds are
calibrated on the very traffic that they judge, to the false alarm rate that ours promises, better
than anybody could in advance; so where rates stand still, they are hard to beat.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks import analysis_peers as peers
from benchmarks.analysis_chances import (
    DEFAULT,
    NEARLY_NOTHING,
    RATES,
    ROLLOUTS,
    SAID,
)
from benchmarks.analysis_decisions import (
    ALPHA,
    ROLLING_BACK,
    Tolerances,
    requests,
    stops,
    worse,
)
from benchmarks.analysis_judged import Judged
from benchmarks.analysis_traffic import (
    INTERVALS,
    SCENARIOS,
    Indicator,
    Numbers,
    Rollouts,
    Scenario,
    constant,
    draw,
    hourly,
)
from benchmarks.rows import Row

HALF = np.full((INTERVALS, 1), 0.5)
RAMP = np.minimum(np.arange(1, INTERVALS + 1), peers.MAX_WEIGHT)[:, None] / 100
TOLERANCES: dict[Indicator, dict[str, float]] = {
    "errors": {
        "no tolerance": NEARLY_NOTHING["errors"],
        "tolerance 0.001": 0.001,
        "tolerance 0.0025": 0.0025,
    },
    "slow": {
        "no tolerance": NEARLY_NOTHING["slow"],
        "tolerance 0.001": 0.001,
        "default tolerance 0.01": DEFAULT["slow"],
    },
}
"""What doubled rates are beyond at weight 50; errors at the default are among the chances."""


def rows(judged: Judged) -> Iterator[Row]:
    for indicator in RATES:
        for scenario in (constant, hourly):
            yield from against_argo(indicator, scenario, judged)
            yield against_flagger(indicator, scenario, judged)


def against_argo(indicator: Indicator, scenario: Scenario, judged: Judged) -> Iterator[Row]:
    rng = np.random.default_rng(6)
    q, calm = (scenario(rng, RATES[indicator], ROLLOUTS) for _ in range(2))
    alike = draw(rng, HALF, {indicator: (calm, calm)}).by(indicator)
    threshold = peers.argo_threshold(alike, ALPHA / ROLLING_BACK)
    rollouts = draw(rng, HALF, {indicator: (q, 2 * q)})
    counts = rollouts.by(indicator)
    theirs = requests(counts, peers.argo_stops(counts, threshold))
    for said, tolerance in TOLERANCES[indicator].items():
        ours = _caught(rollouts, indicator, tolerance, judged)
        yield _medians(indicator, scenario, f"{said} (Argo)", ours, theirs)


def against_flagger(indicator: Indicator, scenario: Scenario, judged: Judged) -> Row:
    rng = np.random.default_rng(7)
    q, calm = (scenario(rng, RATES[indicator], ROLLOUTS) for _ in range(2))
    threshold = peers.flagger_threshold(calm, ALPHA / ROLLING_BACK, seed=8)
    theirs = peers.flagger_catches(2 * q, threshold, seed=9)
    rollouts = draw(rng, RAMP, {indicator: (q, 2 * q)})
    ours = _caught(rollouts, indicator, NEARLY_NOTHING[indicator], judged)
    return _medians(indicator, scenario, "no tolerance (Flagger)", ours, theirs)


def _caught(rollouts: Rollouts, indicator: Indicator, tolerance: float, judged: Judged) -> Numbers:
    """Return the canary's requests until each rollout is rolled back; infinite if it is not."""
    tolerances: Tolerances = {**DEFAULT, indicator: tolerance}
    margin = worse(rollouts, indicator, tolerance)
    judged.compare(rollouts, tolerances, "roll back", margin)
    return requests(rollouts.by(indicator), stops(margin))


def _medians(
    indicator: Indicator, scenario: Scenario, held_to: str, ours: Numbers, theirs: Numbers
) -> Row:
    """Return a row of medians; what more than half of the rollouts miss has no median."""
    traffic = next(name for name, known in SCENARIOS.items() if known is scenario)
    mine, peer = float(np.median(ours)), float(np.median(theirs))
    missed = [float(np.isinf(until).mean()) for until in (ours, theirs)]
    return Row(
        name=f"requests, {SAID[indicator]} doubled, {traffic}, {held_to}",
        ours=mine,
        peer=peer if np.isfinite(peer) else None,
        ratio=round(mine / peer, 3),
        goal=f"reported; missed {missed[0]:.1%}, peer {missed[1]:.1%}",
        met=bool(np.isfinite(mine)),
    )
