"""A verdict's reason as one clause for people."""

from __future__ import annotations

from collections.abc import Sequence

from millrace.analysis.judgement import IndicatorEvidence

_SUBJECTS = {"errors": "errors", "slow": "slow answers", "scores": "scores"}
_MANY, _FEW = 6.0, -2.0
"""log10 of odds beyond which a figure tells nothing more."""


def worse(evidence: IndicatorEvidence) -> str:
    """Say that the canary is worse."""
    return (
        f"{_SUBJECTS[evidence.indicator]} are beyond the tolerance of "
        f"{_percent(evidence.tolerance)} of all traffic: {_shares(evidence)}"
        f" ({_strength(evidence.evidence_worse, evidence)})"
    )


def scores_moved(evidence: IndicatorEvidence) -> str:
    """Say that the canary's scores are others than expected."""
    return (
        f"scores lie further apart than the expected distance of {evidence.tolerance:.3g}: a "
        f"person decides ({_strength(evidence.evidence_worse, evidence)})"
    )


def no_data(without: Sequence[IndicatorEvidence]) -> str:
    """Say what was not counted at this step."""
    if [e.indicator for e in without] == ["scores"]:
        return "no scores of both arms at this step"
    return "no requests of both arms at this step"


def too_few(samples: int, needed: int) -> str:
    """Say that the canary answered too few requests at this step."""
    return f"{samples} of {needed} requests at this step"


def undecided(evidence: Sequence[IndicatorEvidence], *, last: bool) -> str:
    """Say which indicators are neither shown to be worse nor no worse."""
    parts = [
        f"{_SUBJECTS[e.indicator]} ({_shares(e)}; {_strength(_passing(e, last=last), e)})"
        for e in evidence
    ]
    what = "promotion tolerates" if last else "this step tolerates"
    return f"not yet shown to be within what {what}: {', '.join(parts)}"


def no_worse(evidence: Sequence[IndicatorEvidence], *, last: bool) -> str:
    """Say that the canary is no worse."""
    parts = [
        f"{_SUBJECTS[e.indicator]} ({_shares(e)})" for e in evidence if e.indicator != "scores"
    ]
    what = "promotion tolerates" if last else "this step tolerates"
    return f"within what {what}: {', '.join(parts)}"


def odds(log10: float) -> str:
    """Return evidence as people bet: how many times its stake it has won, such as `7.9 to 1`.

    Args:
        log10: log10 of an e-value.
    """
    if log10 > _MANY:
        return "over a million to 1"
    if log10 < _FEW:
        return "under 0.01 to 1"
    return f"{10**log10:,.2g} to 1" if log10 < 1 else f"{10**log10:,.0f} to 1"


def _passing(evidence: IndicatorEvidence, *, last: bool) -> float:
    """Return log10 of the e-value that lets the canary leave the step."""
    here = evidence.evidence_no_worse
    return min(here, evidence.evidence_promotion) if last else here


def _shares(evidence: IndicatorEvidence) -> str:
    return (
        f"{_share(evidence.canary_bad, evidence.canary_events)} of the canary's, "
        f"{_share(evidence.stable_bad, evidence.stable_events)} of the stable arm's"
    )


def _share(bad: int, events: int) -> str:
    return _percent(bad / events) if events else "none"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _strength(log10: float, evidence: IndicatorEvidence) -> str:
    return f"{odds(log10)}, {10**evidence.needed:,.0f} needed"
