"""What becomes of a workload's pull requests: one that is wanted, the others closed or held.

A pull request that a person closed is a no until step or canary change; so is one that a person
undid after its merge. One that the evidence does not support at the moment is a draft, so that
nobody merges it by mistake; one that a person made a draft is held by that person. One that will
never be wanted again is closed as superseded.
"""

from __future__ import annotations

from millrace.deploy.base import PullRequest
from millrace.release.documents import Release
from millrace.release.layout import branch_of
from millrace.release.notes import held
from serving.rollout.actions import Action, Close, Merge, Nothing, Propose, Update
from serving.rollout.own import SUPERSEDED, is_held, is_intent, is_own
from serving.rollout.plans import Asked, Plan, plan
from serving.rollout.seen import Proposal, Seen


def want(seen: Seen, verb: Asked, *, merge: bool, reason: str) -> list[Action]:
    """Return what brings about one pull request, and its merge if no person is needed.

    One that a person opened on the same branch asks for the same.
    """
    branch = _branch(seen, verb)
    mine = next((one for one in seen.proposals if one.pull.branch == branch), None)
    others = [one for one in _own(seen) if one.pull.branch != branch]
    closes = [Close(one.pull.number, SUPERSEDED + reason) for one in others]
    if mine is None:
        return [_proposed(seen, verb, reason), *closes]
    return [*_towards(seen, verb, mine, merge=merge, reason=reason), *closes]


def hold(seen: Seen, reason: str) -> list[Action]:
    """Return what keeps everything where it is, until the evidence says more."""
    verbs = {_branch(seen, verb): verb for verb in _possible(seen.release)}
    actions: list[Action] = []
    for one in _own(seen):
        verb = verbs.get(one.pull.branch)
        if verb is None:
            actions.append(Close(one.pull.number, SUPERSEDED + reason))
        elif not one.pull.draft and one.pull.head not in seen.theirs:
            actions.append(_drafted(one.pull, plan(seen, verb, reason), reason))
    return [*actions, Nothing(reason)]


def settle(seen: Seen, reason: str) -> list[Action]:
    """Return what closes every pull request of a rollout that has come to its end."""
    return [Close(one.pull.number, SUPERSEDED + reason) for one in _own(seen)]


def clear(seen: Seen) -> list[Action]:
    """Return what closes every pull request about a canary that is gone, whoever opened it."""
    gone = [one.pull for one in seen.proposals if not is_intent(one.pull)]
    return [Close(pull.number, f"{SUPERSEDED}the rollout is over") for pull in gone]


def _own(seen: Seen) -> list[Proposal]:
    return [one for one in seen.proposals if is_own(one.pull)]


def _drafted(pull: PullRequest, asked: Plan, reason: str) -> Update:
    body = held(pull.body, reason)
    return Update(
        pull.number, pull.head, asked.changes, pull.title, body, draft=True, reason=reason
    )


def _anew(pull: PullRequest, asked: Plan, reason: str) -> Update:
    return Update(
        pull.number, pull.head, asked.changes, asked.title, asked.body, draft=False, reason=reason
    )


def _possible(release: Release) -> list[Asked]:
    """Return what may come to be asked where the rollout stands."""
    phase, step, last = (
        release.position.phase,
        release.position.step,
        len(release.rollout.steps) - 1,
    )
    if phase == "promoted":
        return ["roll back"]
    if phase not in ("waiting", "progressing"):
        return []
    if release.canary is not None and release.canary.purpose == "restore":
        return ["roll back"]
    return ["roll back", "promote" if step >= last else "advance"]


def _branch(seen: Seen, verb: Asked) -> str:
    assert seen.release.canary is not None
    step = seen.release.position.step
    return branch_of(seen.release.workload, seen.release.canary, verb, step=step)


def _proposed(seen: Seen, verb: Asked, reason: str) -> Action:
    past = seen.over.get(_branch(seen, verb))
    said = _no(seen, past)
    if said:
        return Nothing(f"{said}; what was asked: {reason}")
    made, known = plan(seen, verb, reason), past.number if past else 0
    return Propose(made.branch, made.changes, made.title, made.body, known=known, reason=reason)


def _towards(seen: Seen, verb: Asked, mine: Proposal, *, merge: bool, reason: str) -> list[Action]:
    number, head = mine.pull.number, mine.pull.head
    named = f"pull request #{number}"
    if is_held(mine.pull):
        return [Nothing(f"{named} is held as a draft by a person: {reason}")]
    if mine.pull.draft or not mine.current or head in seen.stuck:
        if head in seen.theirs:
            return [Nothing(f"{named} was changed by a person, who merges or closes it")]
        return [_anew(mine.pull, plan(seen, verb, reason), reason)]
    if not merge:
        return [Nothing(f"{named} waits for a person: {reason}")]
    refused = seen.refused.get(head)
    told = [Nothing(f"{named} is not merged yet: {refused}")] if refused else []
    return [Merge(number, head, reason), *told]


def _no(seen: Seen, past: PullRequest | None) -> str:
    """Return how a person said no to a pull request, empty if none did in this rollout."""
    if past is None or past.created < seen.history.arrived:
        return ""
    if past.state == "merged":
        return f"pull request #{past.number} was merged and then undone by hand"
    if past.comment.startswith(SUPERSEDED):
        return ""
    return f"pull request #{past.number} was closed by a person"
