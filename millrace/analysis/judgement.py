"""What the evidence says of a canary, with the evidence."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document

Finding = Literal["worse", "no worse", "undecided", "no data"]
"""`no worse` means what the present step asks for; for scores, that no shift was found."""
Verdict = Literal["advance", "promote", "roll back", "hold", "inconclusive"]


class IndicatorEvidence(Document):
    """One indicator's evidence, over all intervals so far.

    An e-value of 1 / alpha or more rejects its hypothesis (Ville's inequality), however often
    one looks.
    """

    indicator: Literal["errors", "slow", "scores"]
    finding: Finding
    stable_events: int
    stable_bad: int
    canary_events: int
    canary_bad: int
    """For scores, those in the bins whose share is larger in the canary."""
    tolerance: float
    """Excess of bad events over all traffic that is tolerated; for scores, the distance."""
    evidence_worse: float
    """log10 of the largest e-value so far against `the canary is within the tolerance`, and at
    least 0; halved for errors and slow answers, which share alpha: so `needed` fits all."""
    evidence_no_worse: float
    """log10 of the e-value of this step's intervals against `the canary is beyond what this step
    tolerates`; 0 for scores."""
    evidence_promotion: float
    """log10 of the e-value of all intervals against `the canary is beyond what promotion
    tolerates`; 0 for scores."""
    needed: float
    """log10 of what an e-value must reach."""


class Judgement(Document):
    """What is to be done with a canary, and why."""

    verdict: Verdict
    """`promote` only where the last step may be left; `inconclusive` where there is no data."""
    reason: str
    """One clause for people."""
    needs_person: bool = False
    """Whether the verdict is held for a person: the scores moved further than evaluation saw."""
    samples: int
    """Requests of the canary at this step."""
    indicators: list[IndicatorEvidence]
    intervals: int
    """Intervals with data of both arms."""
