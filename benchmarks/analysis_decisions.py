"""What the analysis decides of many rollouts at once, at each look.

The same as `millrace.analysis.judge` says of one rollout, over arrays, for speed;
`benchmarks.analysis_judged` asks `judge` itself where the two would first differ.
A decision is told as a margin, [T, R]: the natural logarithm of what the evidence after each
interval is above what it must reach. From 0 on it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.analysis_traffic import Counts, Indicator, Numbers, Rollouts
from millrace.analysis.evidence import log_evidence
from millrace.analysis.stakes import Side, foretell
from millrace.analysis.tolerance import allowed, allowed_to_leave

Tolerances = Mapping[Indicator, float]
"""Tolerated excess over all traffic."""

ALPHA = 0.05
ROLLING_BACK = 2
"""Indicators that may roll back, which share alpha."""
_FEW = 100
"""Rollouts at a time, so that they fit into a processor's cache."""


def worse(rollouts: Rollouts, indicator: Indicator, tolerance: float) -> Numbers:
    """Return the margin by which an indicator has been shown to be worse by this look."""
    line = allowed(tolerance, rollouts.weight)

    def evidence(counts: Counts) -> Numbers:
        return _log_evidence(counts, foretell(counts.n_a, counts.k_a), line, "worse")

    margin = _by_parts(rollouts.by(indicator), evidence) + np.log(ALPHA / ROLLING_BACK)
    return np.maximum.accumulate(margin, axis=0)


def leaves(rollouts: Rollouts, indicator: Indicator, tolerance: float) -> Numbers:
    """Return the margin by which an indicator is shown to be within what the step tolerates."""
    line = allowed_to_leave(tolerance, rollouts.weight)
    steps = np.split(np.arange(len(line)), np.flatnonzero(np.diff(line[:, 0])) + 1)

    def evidence(counts: Counts) -> Numbers:
        rate = foretell(counts.n_a, counts.k_a)
        parts = [
            _log_evidence(_during(counts, step), rate[step], line[step], "no worse")
            for step in steps
        ]
        return np.concatenate(parts)

    return _by_parts(rollouts.by(indicator), evidence) + np.log(ALPHA)


def keeps(rollouts: Rollouts, indicator: Indicator, tolerance: float) -> Numbers:
    """Return the margin by which an indicator is shown to be within the tolerance itself."""
    line = np.full(rollouts.weight.shape, tolerance)

    def evidence(counts: Counts) -> Numbers:
        return _log_evidence(counts, foretell(counts.n_a, counts.k_a), line, "no worse")

    return _by_parts(rollouts.by(indicator), evidence) + np.log(ALPHA)


def rolls_back(rollouts: Rollouts, tolerances: Tolerances) -> Numbers:
    """Return the margin by which either indicator is worse."""
    return np.maximum(*(worse(rollouts, name, most) for name, most in tolerances.items()))


def promotes(rollouts: Rollouts, tolerances: Tolerances) -> Numbers:
    """Return the margin by which both may be promoted, if every step is taken for the last."""
    shown = [
        np.minimum(leaves(rollouts, name, most), keeps(rollouts, name, most))
        for name, most in tolerances.items()
    ]
    return np.where(rolls_back(rollouts, tolerances) >= 0, -np.inf, np.minimum(*shown))


def stops(margin: Numbers) -> Numbers:
    """Return after how many intervals each rollout is decided; infinite if it is not."""
    decided = margin >= 0
    return np.where(decided.any(axis=0), decided.argmax(axis=0) + 1.0, np.inf)


def requests(counts: Counts, stops: Numbers) -> Numbers:
    """Return how many requests the canary answered until then; infinite if it goes on."""
    seen = counts.n_b.cumsum(axis=0)
    last = np.where(np.isfinite(stops), stops, 1).astype(int) - 1
    return np.where(np.isfinite(stops), seen[last, np.arange(len(stops))], np.inf)


def _log_evidence(counts: Counts, rate: Numbers, line: Numbers, side: Side) -> Numbers:
    return log_evidence(
        counts.n_a,
        counts.k_a,
        counts.n_b,
        counts.k_b,
        rate=rate,
        excess=np.broadcast_to(line, counts.n_a.shape),
        side=side,
    )


def _by_parts(counts: Counts, evidence: Callable[[Counts], Numbers]) -> Numbers:
    firsts = range(0, counts.n_a.shape[1], _FEW)
    parts = [evidence(_during(counts, np.s_[:, first : first + _FEW])) for first in firsts]
    return np.concatenate(parts, axis=1)


def _during(counts: Counts, part: Any) -> Counts:
    return Counts(counts.n_a[part], counts.k_a[part], counts.n_b[part], counts.k_b[part])
