"""How often the analysis errs over 10,000 rollouts, and how soon it catches a worse canary.

Rates of errors are the upper end of a 99 % confidence interval (Clopper and Pearson), looking
after every interval. Identical arms are judged with a tolerance of nearly nothing: the edge of the
null, where false alarms are likeliest. Beside them stands Argo Rollouts' loop with the threshold
that is right where rates stand still.

Requests are the canary's until half of the rollouts are caught. Here the peers' thresholds are
calibrated on the very traffic that they judge, to the false alarm rate that ours promises, better
than anybody could in advance; so where rates stand still, they are hard to beat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from benchmarks import analysis_peers as peers
from benchmarks.analysis_traffic import (
    INTERVALS,
    SCENARIOS,
    STEPS,
    Counts,
    Numbers,
    Scenario,
    constant,
    draw,
    hourly,
)
from benchmarks.rows import Row
from millrace.analysis.evidence import log_evidence
from millrace.analysis.stakes import Side, foretell

ALPHA = 0.05
ROLLOUTS = 10_000
CAUGHT_OF = 2_000
"""Rollouts with a worse canary; medians need fewer."""
RATES = {"errors": 0.01, "slow": 0.05}
TOLERANCE = {"errors": 0.005, "slow": 0.01}
NEARLY_NOTHING = 1e-6
HALF = np.full((INTERVALS, 1), 0.5)
RAMP = np.minimum(np.arange(1, INTERVALS + 1), peers.MAX_WEIGHT)[:, None] / 100
_CHUNK = 100


def run() -> list[Row]:
    rows = []
    for name, scenario in SCENARIOS.items():
        rows += [false_roll_backs(name, scenario), false_promotions(name, scenario)]
    rows.append(burst_in_one_arm())
    rows += [requests_to_promote(rate) for rate in (0.0, 0.001, 0.01)]
    for indicator in RATES:
        for scenario in (constant, hourly):
            rows += against_argo(indicator, scenario)
            rows.append(against_flagger(indicator, scenario))
    return rows


def false_roll_backs(name: str, scenario: Scenario) -> Row:
    rng = np.random.default_rng(1)
    ours = np.zeros(ROLLOUTS, bool)
    theirs = np.zeros(ROLLOUTS, bool)
    for rate in RATES.values():
        q = scenario(rng, rate, ROLLOUTS)
        counts = draw(rng, q, q, STEPS)
        ours |= np.isfinite(found(counts, np.full(STEPS.shape, NEARLY_NOTHING), "worse"))
        still = constant(rng, rate, ROLLOUTS)
        threshold = peers.argo_threshold(draw(rng, still, still, STEPS), ALPHA / len(RATES))
        theirs |= np.isfinite(peers.argo_stops(counts, threshold))
    return _share(f"false roll-backs, {name} (Argo)", ours, theirs)


def false_promotions(name: str, scenario: Scenario) -> Row:
    """The canary is worse by just more than the tolerance; promotion is asked all the time."""
    rng = np.random.default_rng(2)
    q = scenario(rng, RATES["errors"], ROLLOUTS)
    excess = TOLERANCE["errors"] * 1.001
    counts = draw(rng, q, np.minimum(q + excess, 1), STEPS)
    line = np.full(STEPS.shape, TOLERANCE["errors"])
    return _share(f"false promotions, {name}", np.isfinite(found(counts, line, "no worse")))


def burst_in_one_arm() -> Row:
    """What the analysis assumes not to happen; no goal, but users should know."""
    rng = np.random.default_rng(3)
    q = constant(rng, RATES["errors"], ROLLOUTS)
    burst = rng.uniform(size=q.shape) < 0.01
    counts = draw(rng, q, np.where(burst, 0.3, q), STEPS)
    line = TOLERANCE["errors"] / STEPS
    row = _share("roll-backs, bursts in the canary only", np.isfinite(found(counts, line, "worse")))
    return {**row, "goal": "none: breaks the assumption", "met": True}


def requests_to_promote(rate: float) -> Row:
    """How many requests a canary like the stable arm needs to be shown within the tolerance."""
    rng = np.random.default_rng(8)
    q = constant(rng, rate, CAUGHT_OF)
    counts = draw(rng, q, q, HALF)
    line = np.full(HALF.shape, TOLERANCE["errors"])
    ours = float(np.median(_requests(counts, found(counts, line, "no worse"))))
    return Row(
        name=f"requests to promote, errors {rate:.1%} in both, tolerance 0.005",
        ours=ours,
        peer=None,
        ratio=None,
        goal="reported",
        met=bool(np.isfinite(ours)),
    )


def against_argo(indicator: str, scenario: Scenario) -> list[Row]:
    rng = np.random.default_rng(4)
    q = scenario(rng, RATES[indicator], CAUGHT_OF)
    calm = scenario(rng, RATES[indicator], ROLLOUTS)
    threshold = peers.argo_threshold(draw(rng, calm, calm, HALF), ALPHA / len(RATES))
    counts = draw(rng, q, 2 * q, HALF)
    theirs = _requests(counts, peers.argo_stops(counts, threshold))
    rows = []
    for tolerance, said in ((NEARLY_NOTHING, "no tolerance"), (0.001, "tolerance 0.001")):
        ours = _requests(counts, found(counts, tolerance / HALF, "worse"))
        rows.append(
            _medians(f"{indicator} doubled, {_said(scenario)}, {said} (Argo)", ours, theirs)
        )
    return rows


def against_flagger(indicator: str, scenario: Scenario) -> Row:
    rng = np.random.default_rng(5)
    q = scenario(rng, RATES[indicator], CAUGHT_OF)
    calm = scenario(rng, RATES[indicator], ROLLOUTS)
    threshold = peers.flagger_threshold(calm, ALPHA / len(RATES), seed=6)
    theirs = peers.flagger_catches(2 * q, threshold, seed=7)
    counts = draw(rng, q, 2 * q, RAMP)
    ours = _requests(counts, found(counts, NEARLY_NOTHING / RAMP, "worse"))
    return _medians(f"{indicator} doubled, {_said(scenario)}, no tolerance (Flagger)", ours, theirs)


def found(counts: Counts, line: Numbers, side: Side) -> Numbers:
    """Return after how many intervals each rollout is found to be so; infinite if it is not."""
    chance = ALPHA / len(RATES) if side == "worse" else ALPHA
    first = [
        _first(_evidence(part, line, side) >= -np.log(chance)) for part in counts.parts(_CHUNK)
    ]
    return np.concatenate(first)


def _evidence(counts: Counts, line: Numbers, side: Side) -> Numbers:
    return log_evidence(
        counts.n_a,
        counts.k_a,
        counts.n_b,
        counts.k_b,
        rate=foretell(counts.n_a, counts.k_a),
        excess=np.broadcast_to(line, counts.n_a.shape),
        side=side,
    )


def _first(reached: NDArray[np.bool_]) -> Numbers:
    return np.where(reached.any(axis=0), reached.argmax(axis=0) + 1.0, np.inf)


def _requests(counts: Counts, stops: Numbers) -> Numbers:
    seen = counts.n_b.cumsum(axis=0)
    last = np.where(np.isfinite(stops), stops, 1).astype(int) - 1
    return np.where(np.isfinite(stops), seen[last, np.arange(len(stops))], np.inf)


def _said(scenario: Scenario) -> str:
    return next(name for name, known in SCENARIOS.items() if known is scenario)


def _share(name: str, ours: NDArray[np.bool_], theirs: NDArray[np.bool_] | None = None) -> Row:
    hits = int(ours.sum())
    most = float(beta.ppf(0.995, hits + 1, len(ours) - hits))
    peer = None if theirs is None else round(float(theirs.mean()), 4)
    return Row(
        name=name,
        ours=round(most, 4),
        peer=peer,
        ratio=round(most / peer, 3) if peer else None,
        goal=f"<= {ALPHA:g}",
        met=most <= ALPHA,
    )


def _medians(name: str, ours: Numbers, theirs: Numbers) -> Row:
    """Return a row of medians; what more than half of the rollouts miss has no median."""
    mine, peer = float(np.median(ours)), float(np.median(theirs))
    missed = [float(np.isinf(stops).mean()) for stops in (ours, theirs)]
    return Row(
        name=f"requests, {name}",
        ours=mine,
        peer=peer if np.isfinite(peer) else None,
        ratio=round(mine / peer, 3),
        goal=f"reported; missed {missed[0]:.1%}, peer {missed[1]:.1%}",
        met=bool(np.isfinite(mine)),
    )
