"""Decide what comes next for one workload: from what Git, arms and evidence say, to actions.

Git is right: what people changed by hand is where the decision starts from, and it is never
undone. Weight rises only on an arm that is ready, and only by evidence or by a person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from millrace.analysis import Judgement
from millrace.deploy.base import Changes
from millrace.durations import duration_text
from millrace.release import changes
from millrace.release.documents import ArmRef, Canary
from millrace.workload.rollout import Pause
from serving.rollout.actions import Action, Commit, Nothing, Promote
from serving.rollout.pulls import clear, hold, settle, waited, want
from serving.rollout.seen import Seen, clock_text
from serving.rollout.turn import line_up

DRAIN = 10.0
"""Seconds for which an arm without weight stays, for requests on their way."""

Standing = Literal["stable", "waiting", "progressing", "promoted", "rolled back", "by hand"]
"""Phases, by the weights that stand; `by hand` where weights and phase contradict each other."""


def decide(seen: Seen) -> list[Action]:
    """Return what to do next, with reasons; the last is what people are told.

    Actions are done in order, until one finds that something changed in the meantime.

    Raises:
        ReleaseError: what stands in the release folder admits no change.
    """
    turn = line_up(seen)
    unfit = [one for one in turn if isinstance(one, Nothing)]
    return [
        *(one for one in turn if not isinstance(one, Nothing)),
        *_BY_STANDING[standing(seen)](seen),
        *unfit,
    ]


def standing(seen: Seen) -> Standing:
    """Return where the rollout is, by its weights first and then by its phase."""
    release = seen.release
    canary, phase = release.canary, release.position.phase
    if canary is None:
        return "stable"
    weight = release.weights[canary.name]
    if 0 < weight < 100 and phase == "waiting" and canary.purpose == "release":
        return "progressing"  # a person gave the first weight
    fitting = {"waiting": weight == 0, "promoted": weight == 100, "rolled back": weight == 0}
    return phase if fitting.get(phase, 0 < weight < 100) else "by hand"


def _stable(seen: Seen) -> list[Action]:
    stable = seen.release.stable
    return [*_alias(seen, stable), *clear(seen), Nothing(f"{stable.name} serves")]


def _waiting(seen: Seen) -> list[Action]:
    canary = _canary(seen)
    if _late(seen):
        return _roll_back(seen, _late(seen))
    if not seen.is_ready(canary):
        since = clock_text(seen.history.arrived)
        return hold(seen, f"{canary.name} came at {since} and is not ready: it gets no weight yet")
    if canary.purpose == "restore":
        reason = f"{canary.name} is ready and is to be restored"
        moved = changes.promote(seen.files, seen.release, now=seen.now, reason=reason)
        return [_commit(moved, f"Give {canary.name} all the traffic", reason)]
    reason = f"{canary.name} is ready for its first weight"
    merge = seen.release.rollout.policy.advance == "auto"
    return want(seen, "advance", merge=merge, reason=reason)


def _progressing(seen: Seen) -> list[Action]:
    judged = seen.judged
    verdict = judged.judgement.verdict if judged.judgement else "inconclusive"
    if judged.judgement and verdict == "roll back":
        return _roll_back(seen, judged.judgement.reason)
    if _late(seen):
        return _roll_back(seen, _late(seen))
    limit = seen.release.rollout.analysis.inconclusiveLimit
    undecided = verdict in ("inconclusive", "hold") and not _pause(seen)
    if undecided and judged.blank >= limit:
        return _roll_back(seen, f"no data of both arms in {judged.blank} intervals in a row")
    return _rise(seen)


def _rise(seen: Seen) -> list[Action]:
    """Return what brings a canary on that there is no reason to roll back."""
    canary, judgement, pause = _canary(seen), seen.judged.judgement, _pause(seen)
    if not seen.is_ready(canary):
        return hold(seen, f"{canary.name} is not ready: its weight does not rise")
    if judgement is None:
        return _unknown(seen)
    if not _may_leave(judgement, seen.release.rollout.analysis.minSamples):
        return hold(seen, judgement.reason)
    if pause and pause.pause.duration is not None:
        until = seen.history.since + pause.pause.duration.total_seconds()
        if seen.now < until:
            return hold(seen, f"pauses until {clock_text(until)}")
    last = seen.release.position.step >= len(seen.release.rollout.steps) - 1
    policy = seen.release.rollout.policy
    asked = pause is not None and pause.pause.duration is None
    merge = (policy.promote if last else policy.advance) == "auto"
    return want(
        seen,
        "promote" if last else "advance",
        merge=merge and not asked and not judgement.needs_person,
        reason=judgement.reason,
    )


def _unknown(seen: Seen) -> list[Action]:
    """Return what follows where metrics do not answer: at first nobody knows better than before."""
    lasts = seen.judged.blank >= seen.release.rollout.analysis.inconclusiveLimit
    return hold(seen, seen.judged.problem) if lasts else [Nothing(seen.judged.problem)]


def _promoted(seen: Seen) -> list[Action]:
    canary = _canary(seen)
    first = [*_alias(seen, canary), *settle(seen, f"{canary.name} is promoted")]
    if not seen.is_ready(canary):
        return [*first, Nothing(f"{canary.name} is not ready: {seen.release.stable.name} stays")]
    if _drains(seen):
        return [*first, Nothing(f"{seen.release.stable.name} drains")]
    reason = seen.release.position.reason
    moved = changes.finish_promotion(seen.files, seen.release, now=seen.now, reason=reason)
    message = f"Finish the promotion of {canary.name}: {seen.release.stable.name} goes"
    return [*first, _commit(moved, message, f"{canary.name} has all the traffic")]


def _rolled_back(seen: Seen) -> list[Action]:
    canary, stable = _canary(seen), seen.release.stable
    first = settle(seen, f"{canary.name} is rolled back")
    if not seen.is_ready(stable):
        return [*first, Nothing(f"{stable.name} is not ready: {canary.name} stays")]
    if _drains(seen):
        return [*first, Nothing(f"{canary.name} drains")]
    reason = seen.release.position.reason
    moved = changes.finish_roll_back(seen.files, seen.release, now=seen.now, reason=reason)
    message = f"Finish the roll back of {canary.name}: it goes"
    return [*first, _commit(moved, message, f"{canary.name} has no traffic")]


def _by_hand(seen: Seen) -> list[Action]:
    """Follow a person who gave one arm all the traffic; wait for one who did something else."""
    canary, release = _canary(seen), seen.release
    weight, phase = release.weights[canary.name], release.position.phase
    if weight == 100 and phase in ("waiting", "progressing"):
        reason = f"{canary.name} was given all the traffic by hand"
        moved = changes.promote(seen.files, release, now=seen.now, reason=reason)
        return [_commit(moved, f"Take {canary.name} as promoted", reason)]
    if weight == 0 and phase in ("progressing", "promoted"):
        reason = f"all traffic was taken from {canary.name} by hand"
        moved = changes.roll_back(seen.files, release, now=seen.now, reason=reason)
        return [_commit(moved, f"Take {canary.name} as rolled back", reason)]
    if phase == "waiting" and _late(seen):
        return _roll_back(seen, _late(seen))
    return hold(
        seen,
        f"{canary.name} has {weight} % by hand, which does not fit the phase {phase}: "
        "give one arm all the traffic, or mend the phase",
    )


def _roll_back(seen: Seen, reason: str) -> list[Action]:
    merge = seen.release.rollout.policy.rollback == "auto"
    return want(seen, "roll back", merge=merge, reason=reason)


def _may_leave(judgement: Judgement, samples: int) -> bool:
    """Return whether the evidence lets the step be left, or lacks but a person's word for it."""
    if not judgement.needs_person:
        return judgement.verdict in ("advance", "promote")
    others = [one.finding for one in judgement.indicators if one.indicator != "scores"]
    return judgement.samples >= samples and all(found == "no worse" for found in others)


def _alias(seen: Seen, serving: ArmRef) -> list[Action]:
    """Return what makes the bundle that serves the registry's champion."""
    if seen.champion == serving.digest:
        return []
    return [Promote(serving.digest, f"{serving.name} serves all requests")]


def _late(seen: Seen) -> str:
    """Return why the rollout took too long; empty if it did not.

    What people take to answer does not count.
    """
    longest = seen.release.rollout.analysis.maxDuration
    if seen.now - seen.history.arrived - waited(seen) <= longest.total_seconds():
        return ""
    return f"not promoted within {duration_text(longest)}"


def _drains(seen: Seen) -> bool:
    return seen.now - seen.history.since < DRAIN


def _pause(seen: Seen) -> Pause | None:
    step = seen.release.position.step
    found = seen.release.rollout.steps[step] if step >= 0 else None
    return found if isinstance(found, Pause) else None


def _canary(seen: Seen) -> Canary:
    assert seen.release.canary is not None
    return seen.release.canary


def _commit(moved: Changes, message: str, reason: str) -> Commit:
    return Commit(moved, message, reason)


_BY_STANDING: dict[Standing, Callable[[Seen], list[Action]]] = {
    "stable": _stable,
    "waiting": _waiting,
    "progressing": _progressing,
    "promoted": _promoted,
    "rolled back": _rolled_back,
    "by hand": _by_hand,
}
