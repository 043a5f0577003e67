"""The pull request of a verdict on a canary: what the evidence says, and what it asks for."""

from __future__ import annotations

from typing import Literal

from millrace.analysis import Judgement
from millrace.release.changes import weight_at
from millrace.release.documents import Canary, Release
from millrace.release.evidence.findings import TITLES, against, findings
from millrace.release.evidence.markdown import (
    Text,
    bullets,
    duration,
    moment,
    numbered,
    page,
    span,
)
from millrace.release.evidence.trailer import trailer
from millrace.release.layout import branch_of
from millrace.workload.rollout import Pause

Judged = Literal["advance", "promote", "roll back"]


def judged_text(
    verb: Judged,
    release: Release,
    judgement: Judgement | None,
    *,
    now: float,
    arrived: float,
    merges: bool,
    reason: str = "",
) -> Text:
    """Return the text that proposes what a verdict asks for.

    Args:
        verb: what is proposed.
        release: the release as it stands.
        judgement: the evidence; None for a first weight, or where a person or a limit decides.
        now: Unix time, seconds.
        arrived: Unix time at which the canary came, seconds.
        merges: whether it is merged by itself.
        reason: why, in one clause, if the judgement does not say it.
    """
    canary = release.canary
    assert canary is not None
    body = page(
        _asked(verb, release, canary),
        _because(reason or (judgement.reason if judgement else "")),
        *findings(verb, release, canary, judgement),
        "## How long",
        _times(release, now, arrived),
        "## What merging does",
        numbered(_steps(verb, release, canary)),
        "## What to look at",
        bullets(_review(verb, release, canary, judgement, merges)),
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
    why = ", ".join(against(one) for one in worse) or reason or "a person asks"
    return f"Roll back {name}: {why}"


def _pause(release: Release) -> str:
    """Return how long the next step only waits; '' if it sets a weight."""
    step = release.rollout.steps[release.position.step + 1]
    if not isinstance(step, Pause):
        return ""
    return f"for {span(step.pause.duration)}" if step.pause.duration else "until a person goes on"


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


def _times(release: Release, now: float, arrived: float) -> str:
    position, longest = release.position, span(release.rollout.analysis.maxDuration)
    trial = f"On trial since {moment(arrived)} ({duration(now - arrived)})"
    limit = f"at most {longest} in all, without the time that people take to answer."
    if not position.started:
        return f"{trial}, without traffic so far; {limit}"
    return (
        f"{trial}, with traffic since {moment(position.started)} "
        f"({duration(now - position.started)}), at this step since {moment(position.since)} "
        f"({duration(now - position.since)}); {limit}"
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
    verb: Judged, release: Release, canary: Canary, judgement: Judgement | None, merges: bool
) -> list[str]:
    points = []
    if judgement is not None and judgement.needs_person:
        points.append(
            "The scores moved further than evaluation saw between the two models. A retrained "
            "model should differ: say whether it should differ this much."
        )
    undecided = [
        TITLES[one.indicator]
        for one in (judgement.indicators if judgement else [])
        if one.finding in ("undecided", "no data")
    ]
    if undecided:
        points.append(f"The evidence does not decide about: {', '.join(undecided)}.")
    points.append(_merging(verb, release, merges))
    points.append("The files: weights in both routes, and the position in `rollout.yaml`.")
    brought = branch_of(release.workload, canary, canary.purpose)
    points.append(
        "Its gates, its metrics against the champion and its data stand in the pull request that "
        f"brought it, `{brought}`; `millrace show {canary.digest[:12]}` shows its card."
    )
    return points


def _merging(verb: Judged, release: Release, merges: bool) -> str:
    """Return who merges it."""
    if merges:
        return "By the workload's policy this is merged by itself."
    policy = release.rollout.policy
    permission = {"advance": policy.advance, "promote": policy.promote}.get(verb, policy.rollback)
    if permission == "review":
        return "By the workload's policy this waits for you."
    if _ends_by_hand(release):
        return "This waits for you, whatever the policy: the present step is a pause without end."
    return "This waits for you, whatever the workload's policy."


def _ends_by_hand(release: Release) -> bool:
    step = release.position.step
    found = release.rollout.steps[step] if step >= 0 else None
    return isinstance(found, Pause) and found.pause.duration is None


def _undo(verb: Judged, release: Release, canary: Canary) -> str:
    if verb == "roll back":
        return (
            "Close this pull request to keep the canary as it is until its step changes. Once it "
            f"is merged: `millrace rollback {release.workload} --to {canary.version}` gives it "
            "all the traffic, without a trial; `millrace pr again N`, where N is the pull request "
            "that brought it, proposes another trial."
        )
    what = {
        "advance": "takes the canary's traffic away",
        "promote": f"brings `{release.stable.name}` back",
    }[verb]
    return (
        "Close this pull request to stay at the present step; it is not proposed again until that "
        f"changes. Once it is merged: `millrace rollback {release.workload}` {what}."
    )
