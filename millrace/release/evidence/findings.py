"""What the evidence says of a canary, as a table that people can read."""

from __future__ import annotations

from millrace.analysis import IndicatorEvidence, Judgement, odds
from millrace.release.documents import Canary, Release
from millrace.release.evidence.markdown import percent, span, table

TITLES = {"errors": "errors", "slow": "slow answers", "scores": "scores"}


def findings(verb: str, release: Release, canary: Canary, judgement: Judgement | None) -> list[str]:
    """Return the parts of a text that show the evidence; none where there is none."""
    if judgement is None or not judgement.indicators:
        return []
    alpha = release.rollout.analysis.alpha
    return [
        "## Evidence",
        f"{judgement.samples:,} requests of the canary at this step, "
        f"{judgement.intervals:,} intervals of {span(release.rollout.analysis.interval)} with "
        "data of both arms.",
        table(
            [
                "indicator",
                f"stable `{release.stable.name}`",
                f"canary `{canary.name}`",
                "tolerated",
                "that it is worse",
                "that it may be promoted" if verb == "promote" else "that it is no worse",
                "finding",
            ],
            [_row(one, verb) for one in judgement.indicators],
        ),
        "Evidence is betting odds: how many times its stake a bet against the opposite has won. "
        f"As much as is needed is won by chance in at most {percent(alpha)} of all rollouts, "
        "however often one looks.",
    ]


def _row(one: IndicatorEvidence, verb: str) -> list[str]:
    tolerated = (
        f"a distance of {one.tolerance:.3g}"
        if one.indicator == "scores"
        else f"{percent(one.tolerance)} more of all traffic"
    )
    passing = one.evidence_promotion if verb == "promote" else one.evidence_no_worse
    name = {"scores": "scores, in bins that the canary fills more"}.get(
        one.indicator, TITLES[one.indicator]
    )
    return [
        name,
        _counted(one.stable_bad, one.stable_events),
        _counted(one.canary_bad, one.canary_events),
        tolerated,
        _odds(one.evidence_worse, one.needed),
        "not asked" if one.indicator == "scores" else _odds(passing, one.needed),
        f"**{one.finding}**",
    ]


def _counted(bad: int, events: int) -> str:
    if not events:
        return "no data"
    return f"{percent(bad / events)} ({bad:,} of {events:,})"


def _odds(evidence: float, needed: float) -> str:
    """Return evidence as betting odds, bold if it is enough: `7.9 to 1 (20 needed)`."""
    told = odds(evidence)
    return f"{f'**{told}**' if evidence >= needed else told} ({10**needed:,.0f} needed)"


def against(one: IndicatorEvidence) -> str:
    """Return what speaks against a canary: `errors 9.8 % against 0.1 %`."""
    canary = percent(_share(one.canary_bad, one.canary_events))
    return f"{TITLES[one.indicator]} {canary} against {percent(_stable(one))}"


def _stable(one: IndicatorEvidence) -> float:
    return _share(one.stable_bad, one.stable_events)


def _share(bad: int, events: int) -> float:
    return bad / events if events else 0.0
