"""Print the tables of docs/analysis.md: how many requests a decision takes.

Medians of the canary's requests over simulated rollouts whose rates stand still, that stay at one
weight, and of which one indicator is looked at. The seed is fixed: it prints the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.analysis_chances import DEFAULT, SAID
from benchmarks.analysis_decisions import keeps, leaves, requests, stops, worse
from benchmarks.analysis_traffic import Indicator, Numbers, Rollouts, draw
from millrace.analysis.tolerance import allowed

ROLLOUTS = 1_000
REQUESTS = 400
"""Expected requests of both arms in an interval."""
USUAL: dict[Indicator, tuple[float, ...]] = {
    "errors": (0.0, 0.001, 0.01, 0.03),
    "slow": (0.0, 0.01, 0.05, 0.1),
}
CANARIES = (0.02, 0.05, 0.1, 0.2, 0.5)
CHOICES = {0.01: (0.005, 0.0025, 0.001), 0.001: (0.005, 0.001, 0.00025)}
"""Tolerances of errors by the rate that is usual."""
_FIRST = 16
"""Intervals that are simulated; twice as many until half of the rollouts are decided."""

Decide = Callable[[Rollouts, Indicator, float], Numbers]


def promoted(rollouts: Rollouts, indicator: Indicator, tolerance: float) -> Numbers:
    """Return the margin by which the last step is left."""
    return np.minimum(leaves(rollouts, indicator, tolerance), keeps(rollouts, indicator, tolerance))


def median(
    decide: Decide,
    indicator: Indicator,
    rates: tuple[float, float],
    weight: float,
    tolerance: float,
) -> str:
    """Return the median of the canary's requests until it is decided, in two digits.

    Args:
        decide: which decision.
        indicator: by what.
        rates: of the stable arm and of the canary.
        weight: of the canary.
        tolerance: excess over all traffic.
    """
    intervals, until = _FIRST, np.inf
    while np.isinf(until):
        rng = np.random.default_rng(1)
        q_a, q_b = (np.full((intervals, ROLLOUTS), rate) for rate in rates)
        weights = np.full((intervals, 1), weight)
        rollouts = draw(rng, weights, {indicator: (q_a, q_b)}, REQUESTS)
        decided = stops(decide(rollouts, indicator, tolerance))
        until = float(np.median(requests(rollouts.by(indicator), decided)))
        intervals *= 2
    return f"{float(f'{until:.2g}'):,.0f}"


def alike(indicator: Indicator) -> str:
    """Return the table of canaries that are like the stable arm."""
    tolerance = DEFAULT[indicator]
    columns = [(leaves, 0.05), (leaves, 0.25), (leaves, 0.5), (promoted, 0.5)]
    heads = ["leave weight 5", "weight 25", "weight 50", "be promoted at 50"]
    return _table(
        [f"{SAID[indicator]} in both arms, tolerance {tolerance:g}", *heads],
        (
            [
                f"{100 * rate:g} %",
                *(median(how, indicator, (rate, rate), w, tolerance) for how, w in columns),
            ]
            for rate in USUAL[indicator]
        ),
    )


def rolled_back() -> str:
    """Return the table of canaries with errors."""
    weights = (0.05, 0.1, 0.25, 0.5)
    return _table(
        ["errors of the canary", *(f"weight {100 * weight:g}" for weight in weights)],
        (
            [
                f"{100 * rate:g} %",
                *(_until_back(0.001, rate, w, DEFAULT["errors"]) for w in weights),
            ]
            for rate in CANARIES
        ),
    )


def chosen() -> str:
    """Return the table of tolerances, for a last step at weight 50."""
    return _table(
        ["errors that are usual", "tolerance", "double of them rolled back", "usual ones promoted"],
        (
            [
                f"{100 * usual:g} %",
                f"{tolerance:g}",
                _until_back(usual, 2 * usual, 0.5, tolerance),
                median(promoted, "errors", (usual, usual), 0.5, tolerance),
            ]
            for usual, tolerances in CHOICES.items()
            for tolerance in tolerances
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "errors in both arms": lambda: alike("errors"),
    "slow answers in both arms": lambda: alike("slow"),
    "errors of the canary": rolled_back,
    "tolerances": chosen,
}


def main() -> None:
    print("\n\n".join(table() for table in TABLES.values()))


def _until_back(usual: float, canary: float, weight: float, tolerance: float) -> str:
    if canary - usual <= allowed(tolerance, weight):
        return "allowed"
    return median(worse, "errors", (usual, canary), weight, tolerance)


def _table(heads: Sequence[str], rows: Iterator[list[str]]) -> str:
    told = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([told[0], "|" + "---|" * len(heads), *told[1:]])


if __name__ == "__main__":
    main()
