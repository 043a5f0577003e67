"""How often the analysis errs: false roll-backs and false promotions over 10,000 rollouts.

Rates are the upper end of a 99 % confidence interval (Clopper and Pearson), looking after every
interval. False alarms are likeliest at the edge of the null: so identical arms are judged with a
tolerance of nearly nothing, and canaries that are worse by just what the default tolerance allows
with that. False promotions are likeliest just beyond the tolerance, with the other indicator
faultless and promotion asked at every look, whatever the step. Beside false roll-backs stands Argo
Rollouts' loop with the threshold that is right where rates stand still.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from benchmarks import analysis_peers as peers
from benchmarks.analysis_decisions import (
    ALPHA,
    ROLLING_BACK,
    Tolerances,
    keeps,
    promotes,
    rolls_back,
    worse,
)
from benchmarks.analysis_judged import Judged
from benchmarks.analysis_traffic import (
    INTERVALS,
    SCENARIOS,
    STEPS,
    Indicator,
    Numbers,
    Scenario,
    constant,
    draw,
)
from benchmarks.rows import Row
from millrace.workload.rollout import Tolerance

ROLLOUTS = 10_000
RATES: dict[Indicator, float] = {"errors": 0.01, "slow": 0.05}
SAID: dict[Indicator, str] = {"errors": "errors", "slow": "slow answers"}
NEARLY_NOTHING: Tolerances = dict.fromkeys(RATES, 1e-6)
DEFAULT: Tolerances = {"errors": Tolerance().errors, "slow": Tolerance().slow}
_LONG = 5 * INTERVALS


def rows(judged: Judged) -> Iterator[Row]:
    for name, scenario in SCENARIOS.items():
        yield identical_arms(name, scenario, judged)
        yield at_the_edge(name, scenario, judged)
        for indicator in RATES:
            yield beyond_the_tolerance(name, scenario, indicator, judged)
    yield from doubled_at_the_default(judged)
    yield bursts_in_one_arm(judged)


def identical_arms(name: str, scenario: Scenario, judged: Judged) -> Row:
    rng = np.random.default_rng(1)
    q = {indicator: scenario(rng, rate, ROLLOUTS) for indicator, rate in RATES.items()}
    rollouts = draw(rng, STEPS, {indicator: (rate, rate) for indicator, rate in q.items()})
    margin = rolls_back(rollouts, NEARLY_NOTHING)
    judged.compare(rollouts, NEARLY_NOTHING, "roll back", margin)
    theirs = np.zeros(ROLLOUTS, bool)
    for indicator, rate in RATES.items():
        still = constant(rng, rate, ROLLOUTS)
        calm = draw(rng, STEPS, {indicator: (still, still)}).by(indicator)
        threshold = peers.argo_threshold(calm, ALPHA / ROLLING_BACK)
        theirs |= np.isfinite(peers.argo_stops(rollouts.by(indicator), threshold))
    return _share(f"false roll-backs, identical arms, {name} (Argo)", margin, theirs)


def at_the_edge(name: str, scenario: Scenario, judged: Judged) -> Row:
    """The canary is worse in both indicators, by all that each step allows it."""
    rng = np.random.default_rng(2)
    q = {indicator: scenario(rng, rate, ROLLOUTS) for indicator, rate in RATES.items()}
    edge = {i: (rate, np.minimum(rate + DEFAULT[i] / STEPS, 1)) for i, rate in q.items()}
    rollouts = draw(rng, STEPS, edge)
    margin = rolls_back(rollouts, DEFAULT)
    judged.compare(rollouts, DEFAULT, "roll back", margin)
    return _share(f"false roll-backs, as bad as the default allows, {name}", margin)


def beyond_the_tolerance(
    name: str, scenario: Scenario, indicator: Indicator, judged: Judged
) -> Row:
    rng = np.random.default_rng(3)
    q = scenario(rng, RATES[indicator], ROLLOUTS)
    beyond = np.minimum(q + 1.001 * DEFAULT[indicator], 1)
    rollouts = draw(rng, STEPS, {indicator: (q, beyond)})
    margin = promotes(rollouts, DEFAULT)
    judged.compare(rollouts, DEFAULT, "promote", margin)
    return _share(f"false promotions, {SAID[indicator]} beyond the default, {name}", margin)


def doubled_at_the_default(judged: Judged) -> list[Row]:
    """At weight 50 the double of 1 % is just what the default allows: neither may happen."""
    rng = np.random.default_rng(4)
    q = np.full((_LONG, ROLLOUTS), RATES["errors"])
    half = np.full((_LONG, 1), 0.5)
    rollouts = draw(rng, half, {"errors": (q, 2 * q)})
    back, on = (decide(rollouts, "errors", DEFAULT["errors"]) for decide in (worse, keeps))
    judged.compare(rollouts, DEFAULT, "roll back", back)
    calm = draw(rng, half, {"errors": (q, q)}).errors
    threshold = peers.argo_threshold(calm, ALPHA / ROLLING_BACK)
    theirs = np.isfinite(peers.argo_stops(rollouts.errors, threshold))
    said = f"errors 2 % beside 1 %, weight 50, default tolerance, {_LONG} intervals"
    return [_share(f"roll-backs, {said} (Argo)", back, theirs), _share(f"promotions, {said}", on)]


def bursts_in_one_arm(judged: Judged) -> Row:
    """What the analysis assumes not to happen; no goal, but users should know."""
    rng = np.random.default_rng(5)
    q = constant(rng, RATES["errors"], ROLLOUTS)
    burst = rng.uniform(size=q.shape) < 0.01
    rollouts = draw(rng, STEPS, {"errors": (q, np.where(burst, 0.3, q))})
    margin = rolls_back(rollouts, DEFAULT)
    judged.compare(rollouts, DEFAULT, "roll back", margin)
    row = _share("roll-backs, bursts in the canary only", margin)
    return {**row, "goal": "none: breaks the assumption", "met": True}


def _share(name: str, margin: Numbers, theirs: NDArray[np.bool_] | None = None) -> Row:
    decided = (margin >= 0).any(axis=0)
    hits = int(decided.sum())
    most = float(beta.ppf(0.995, hits + 1, len(decided) - hits))
    peer = None if theirs is None else round(float(theirs.mean()), 4)
    return Row(
        name=name,
        ours=round(most, 4),
        peer=peer,
        ratio=round(most / peer, 3) if peer else None,
        goal=f"<= {ALPHA:g}",
        met=most <= ALPHA,
    )
