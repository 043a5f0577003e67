"""The evidence of each indicator over all intervals so far, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from millrace.analysis.bet import Numbers
from millrace.analysis.evidence import log_evidence
from millrace.analysis.judgement import Finding, IndicatorEvidence
from millrace.analysis.shift import bins_risen, log_evidence_of_shift
from millrace.analysis.stakes import foretell
from millrace.analysis.table import Table
from millrace.analysis.tolerance import allowed, allowed_to_leave

_ROLLING_BACK = 2
"""Indicators that may roll back (errors, slow): they share alpha, so each e-value is halved."""


@dataclass(frozen=True)
class Question:
    """What is asked of the evidence.

    Attributes:
        needed: log10 of what an e-value must reach.
        here: which intervals belong to the present step, [T].
        last: whether promotion is asked.
    """

    needed: float
    here: NDArray[np.bool_]
    last: bool


def traffic(
    indicator: Literal["errors", "slow"],
    counts: Table,
    bad: Numbers,
    tolerance: float,
    question: Question,
) -> IndicatorEvidence:
    """Return the evidence of bad answers.

    Args:
        indicator: which answers are bad.
        counts: all intervals, at least one.
        bad: bad answers of stable and canary, [2, T].
        tolerance: their tolerated excess over all traffic.
        question: what is asked.
    """
    (n_a, n_b), (k_a, k_b) = counts.requests, bad
    rate = foretell(n_a, k_a)
    worse = log_evidence(
        n_a, k_a, n_b, k_b, rate=rate, excess=allowed(tolerance, counts.weight), side="worse"
    )
    leave = allowed_to_leave(tolerance, counts.weight[-1])
    asked = np.stack([question.here, np.ones_like(question.here)], axis=-1)
    no_worse = log_evidence(
        *(count[:, None] * asked for count in (n_a, k_a, n_b, k_b)),
        rate=np.stack([rate, rate], axis=-1),
        excess=np.broadcast_to(np.stack([leave, np.asarray(tolerance)]), asked.shape),
        side="no worse",
    )
    e_worse = _most(worse, shared_by=_ROLLING_BACK)
    e_leave, e_promotion = (float(e) for e in no_worse[-1] / np.log(10))
    passed = min(e_leave, e_promotion) if question.last else e_leave
    return IndicatorEvidence(
        indicator=indicator,
        finding=_finding(e_worse, passed, counts.requests, question),
        stable_events=int(n_a.sum()),
        stable_bad=int(k_a.sum()),
        canary_events=int(n_b.sum()),
        canary_bad=int(k_b.sum()),
        tolerance=tolerance,
        evidence_worse=e_worse,
        evidence_no_worse=e_leave,
        evidence_promotion=e_promotion,
        needed=question.needed,
    )


def scores(counts: Table, distance: float, question: Question) -> IndicatorEvidence:
    """Return the evidence of a shift of scores; `bad` are those in bins that got more of them.

    Args:
        counts: all intervals, at least one.
        distance: total variation distance that is expected.
        question: what is asked.
    """
    stable, canary = counts.scores
    risen = bins_risen(stable.sum(axis=0), canary.sum(axis=0))
    e_worse = _most(log_evidence_of_shift(stable, canary, distance))
    return IndicatorEvidence(
        indicator="scores",
        finding=_finding(e_worse, np.inf, counts.scores.sum(axis=-1), question),
        stable_events=int(stable.sum()),
        stable_bad=int(stable[:, risen].sum()),
        canary_events=int(canary.sum()),
        canary_bad=int(canary[:, risen].sum()),
        tolerance=distance,
        evidence_worse=e_worse,
        evidence_no_worse=0.0,
        evidence_promotion=0.0,
        needed=question.needed,
    )


def _most(log_evidence: Numbers, shared_by: int = 1) -> float:
    """Return log10 of the most that the e-process ever was: a finding of worse is not undone."""
    return max(0.0, float(log_evidence.max() - np.log(shared_by)) / float(np.log(10)))


def _finding(worse: float, passed: float, events: Numbers, question: Question) -> Finding:
    if worse >= question.needed:
        return "worse"
    if not (question.here & (events > 0).all(axis=0)).any():
        return "no data"
    return "no worse" if passed >= question.needed else "undecided"
