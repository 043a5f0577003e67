"""The pull request of a verdict on a canary: what the evidence says, and what it asks for."""

from __future__ import annotations

from typing import Literal

from millrace.analysis import IndicatorEvidence, Judgement, odds
from millrace.release.changes import weight_at
from millrace.release.documents import Canary, Release
from millrace.release.evidence.markdown import (
    Text,
    bullets,
    duration,
    moment,
    numbered,
    page,
    percent,
    span,
    table,
)
from millrace.release.evidence.trailer import trailer
from millrace.release.layout import branch_of
from millrace.workload.rollout import Pause

Judged = Literal["advance", "promote", "roll back"]
_TITLES = {"errors": "errors", "slow": "slow answers", "scores": "scores"}


def judged_text(
    verb: Judged, release: Release, judgement: Judgement | None, *, now: float, reason: str = ""
) -> Text:
    """Return the text that proposes what a verdict asks for.

    Args:
        verb: what is proposed.
        release: the release as it stands.
        judgement: the evidence; None for a first weight, or where a person or a limit decides.
        now: Unix time, seconds.
        reason: why, in one clause, if the judgement does not say it.
    """
    canary = release.canary
    assert canary is not None
    body = page(
        _asked(verb, release, canary),
        _because(reason or (judgement.reason if judgement else "")),
        *_evidence(verb, release, canary, judgement),
        "## How long",
        _times(release, now),
        "## What merging does",
        numbered(_steps(verb, release, canary)),
        "## What to look at",
        bullets(_review(verb, release, canary, judgement)),
        "## How to undo it",
        _undo(verb, release, canary),
        "---",
        trailer(release.workload, canary, verb),
    )
    return Text(_title(verb, release, canary, judgement, reason), body)


def _title(
    verb: Judged, release: Release, canary: Canary, judgement: Judgement | None, reason: str
) -> str:
    name = f"{release.workload} v{canary.version}"
    if verb == "advance":
        pause = _pause(release)
        weight = weight_at(release.rollout, release.position.step + 1)
        return f"Keep {name} at {weight} % {pause}" if pause else f"Advance {name} to {weight} %"
    if verb == "promote":
        return f"Promote {name}"
    found = judgement.indicators if judgement else []
    worse = [one for one in found if one.finding == "worse" and one.indicator != "scores"]
    why = ", ".join(_against(one) for one in worse) or reason or "a person asks"
    return f"Roll back {name}: {why}"


def _pause(release: Release) -> str:
    """Return how long the next step only waits; '' if it sets a weight."""
    step = release.rollout.steps[release.position.step + 1]
    if not isinstance(step, Pause):
        return ""
    return f"for {span(step.pause.duration)}" if step.pause.duration else "until a person goes on"


def _against(one: IndicatorEvidence) -> str:
    canary = percent(_share(one.canary_bad, one.canary_events))
    return f"{_TITLES[one.indicator]} {canary} against {percent(_stable(one))}"


def _stable(one: IndicatorEvidence) -> float:
    return _share(one.stable_bad, one.stable_events)


def _share(bad: int, events: int) -> float:
    return bad / events if events else 0.0


def _asked(verb: Judged, release: Release, canary: Canary) -> str:
    present = release.weights[canary.name]
    if verb == "advance":
        weight = weight_at(release.rollout, release.position.step + 1)
        if pause := _pause(release):
            return f"**Keep `{canary.name}` at {weight} %** of the traffic {pause}: a pause."
        before = f", up from {present} %" if present else ": its first"
        return (
            f"**Give `{canary.name}` {weight} % of the traffic** of `{release.workload}`{before}."
        )
    if verb == "promote":
        return (
            f"**Give `{canary.name}` all the traffic** of `{release.workload}`, up from "
            f"{present} %; `{release.stable.name}` goes afterwards."
        )
    if not present:
        return f"**Take `{canary.name}` off trial**: it has no traffic of `{release.workload}` yet."
    return (
        f"**Take `{canary.name}` off trial**: its {present} % of the traffic of "
        f"`{release.workload}` go back to `{release.stable.name}`."
    )


def _because(reason: str) -> str:
    return f"Why: {reason.rstrip('.')}." if reason else ""


def _evidence(
    verb: Judged, release: Release, canary: Canary, judgement: Judgement | None
) -> list[str]:
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


def _row(one: IndicatorEvidence, verb: Judged) -> list[str]:
    tolerated = (
        f"a distance of {one.tolerance:.3g}"
        if one.indicator == "scores"
        else f"{percent(one.tolerance)} more of all traffic"
    )
    passing = one.evidence_promotion if verb == "promote" else one.evidence_no_worse
    name = {"scores": "scores, in bins that the canary fills more"}.get(
        one.indicator, _TITLES[one.indicator]
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


def _times(release: Release, now: float) -> str:
    position = release.position
    if not position.started:
        return f"On trial since {moment(position.since)}, without traffic so far."
    return (
        f"On trial since {moment(position.started)} ({duration(now - position.started)}), at this "
        f"step since {moment(position.since)} ({duration(now - position.since)}); at most "
        f"{span(release.rollout.analysis.maxDuration)} in all."
    )


def _steps(verb: Judged, release: Release, canary: Canary) -> list[str]:
    name, stable = canary.name, release.stable.name
    if verb == "advance":
        step = release.position.step + 1
        again = "still " if _pause(release) else ""
        return [
            f"Both routes {again}give `{name}` {weight_at(release.rollout, step)} % and "
            f"`{stable}` the rest: step {step + 1} of {len(release.rollout.steps)}.",
            "It is judged there as before."
            if release.position.step >= 0
            else "From then on it is judged, at the end of each interval.",
        ]
    if verb == "promote":
        return [
            f"Both routes give `{name}` 100 % and `{stable}` 0 %, at once.",
            f"In a later commit `{stable}` goes, and `{name}` is the stable arm: the champion that "
            "later candidates are compared with.",
        ]
    return [
        f"Both routes give `{name}` 0 % and `{stable}` 100 %, at once.",
        f"In a later commit `{name}` goes. Its bundle is kept.",
    ]


def _review(
    verb: Judged, release: Release, canary: Canary, judgement: Judgement | None
) -> list[str]:
    points = []
    if judgement is not None and judgement.needs_person:
        points.append(
            "The scores moved further than evaluation saw between the two models. A retrained "
            "model should differ: say whether it should differ this much."
        )
    undecided = [
        _TITLES[one.indicator]
        for one in (judgement.indicators if judgement else [])
        if one.finding in ("undecided", "no data")
    ]
    if undecided:
        points.append(f"The evidence does not decide about: {', '.join(undecided)}.")
    permission = {
        "advance": release.rollout.policy.advance,
        "promote": release.rollout.policy.promote,
        "roll back": release.rollout.policy.rollback,
    }[verb]
    points.append(
        "By the workload's policy this is merged by itself."
        if permission == "auto"
        else "By the workload's policy this waits for you."
    )
    points.append("The files: weights in both routes, and the position in `rollout.yaml`.")
    brought = branch_of(release.workload, canary, canary.purpose)
    points.append(
        "Its gates, its metrics against the champion and its data stand in the pull request that "
        f"brought it, `{brought}`; `millrace show {canary.digest[:12]}` shows its card."
    )
    return points


def _undo(verb: Judged, release: Release, canary: Canary) -> str:
    if verb == "roll back":
        return (
            "Close this pull request to keep the canary as it is until its step changes. Once it "
            f"is merged: `millrace rollback {release.workload} --to {canary.version}` gives it "
            "all the traffic, without a trial."
        )
    what = {
        "advance": "takes the canary's traffic away",
        "promote": f"brings `{release.stable.name}` back",
    }[verb]
    return (
        "Close this pull request to stay at the present step; it is not proposed again until that "
        f"changes. Once it is merged: `millrace rollback {release.workload}` {what}."
    )
