"""Judge a canary by the intervals so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from millrace.analysis.counts import Interval
from millrace.analysis.findings import Question, scores, traffic
from millrace.analysis.judgement import IndicatorEvidence, Judgement, Verdict
from millrace.analysis.reasons import (
    no_data,
    no_worse,
    scores_moved,
    too_few,
    undecided,
    worse,
)
from millrace.analysis.table import Table, table
from millrace.errors import AnalysisError


@dataclass(frozen=True)
class Limits:
    """What a canary is held to.

    Attributes:
        alpha: chance of a false roll-back over the whole rollout, and of a false promotion.
        errors: tolerated excess of errors over all traffic.
        slow: tolerated excess of slow answers over all traffic.
        score_distance: total variation distance between the arms' scores that is expected: what
            evaluation saw plus the margin; None if the bundles cannot be compared by scores.
        min_samples: requests of the canary at a step before it may leave it.
    """

    alpha: float
    errors: float
    slow: float
    score_distance: float | None
    min_samples: int


def judge(intervals: Sequence[Interval], limits: Limits, *, since: float, last: bool) -> Judgement:
    """Return what to do with a canary; the same intervals give the same answer.

    Args:
        intervals: all intervals since the canary got its first weight, oldest first.
        limits: what it is held to.
        since: Unix time at which it came to the present step; an interval that begins then or
            later belongs to it.
        last: whether the present step is the last: then promotion is asked, at full tolerance.

    Raises:
        AnalysisError: an interval or a limit cannot be; the error names it.
    """
    _check(limits)
    counts = table(intervals)
    here = counts.start >= since
    evidence: list[IndicatorEvidence] = []
    if intervals:
        question = Question(needed=float(-np.log10(limits.alpha)), here=here, last=last)
        evidence = [
            traffic("errors", counts, counts.errors, limits.errors, question),
            traffic("slow", counts, counts.slow, limits.slow, question),
        ]
        if limits.score_distance is not None:
            evidence.append(scores(counts, limits.score_distance, question))
    return _judgement(evidence, counts, int(counts.requests[1, here].sum()), limits, last=last)


def _judgement(
    evidence: list[IndicatorEvidence], counts: Table, samples: int, limits: Limits, *, last: bool
) -> Judgement:
    def say(verdict: Verdict, reason: str, *, needs_person: bool = False) -> Judgement:
        return Judgement(
            verdict=verdict,
            reason=reason,
            needs_person=needs_person,
            samples=samples,
            indicators=evidence,
            intervals=int((counts.requests > 0).all(axis=0).sum()),
        )

    by_finding = {
        finding: [e for e in evidence if e.finding == finding]
        for finding in ("worse", "no data", "undecided")
    }
    for found in by_finding["worse"]:
        if found.indicator != "scores":
            return say("roll back", worse(found))
    if by_finding["worse"]:
        return say("hold", scores_moved(by_finding["worse"][0]), needs_person=True)
    if by_finding["no data"] or not evidence:
        return say("inconclusive", no_data(by_finding["no data"]))
    if samples < limits.min_samples:
        return say("hold", too_few(samples, limits.min_samples))
    if by_finding["undecided"]:
        return say("hold", undecided(by_finding["undecided"], last=last))
    return say("promote" if last else "advance", no_worse(evidence, last=last))


def _check(limits: Limits) -> None:
    ranges = {
        "alpha": (limits.alpha, 0.5),
        "errors": (limits.errors, 1.0),
        "slow": (limits.slow, 1.0),
        "score_distance": (limits.score_distance, np.inf),
    }
    for name, (value, top) in ranges.items():
        if value is not None and not 0 < value <= top:
            raise AnalysisError(
                "no canary can be held to this limit",
                where=f"limit {name}",
                found=str(value),
                expected=f"more than 0, at most {top:g}",
            )
