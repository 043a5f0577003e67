"""What the evidence says of a canary, with the evidence."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document

Finding = Literal["worse", "no worse", "undecided", "no data"]


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
    tolerance: float
    """Excess of bad events over all traffic that is tolerated; for scores, the distance."""
    evidence_worse: float
    """log10 of the e-value against `the canary is within the tolerance`."""
    evidence_no_worse: float
    """log10 of the e-value against `the canary is beyond what this step tolerates`."""
    evidence_promotion: float
    """log10 of the e-value against `the canary is beyond what promotion tolerates`."""
    needed: float
    """log10 of what an e-value must reach."""


class Judgement(Document):
    """What is to be done with a canary, and why."""

    verdict: Literal["advance", "promote", "roll back", "hold", "inconclusive"]
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
