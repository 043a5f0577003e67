"""What becomes of a workload's pull requests: one that is wanted, the others closed or held.

A pull request that a person closed is a no until step or canary change; so is one that a person
undid after its merge. One that the evidence does not support at the moment is a draft, so that
nobody merges it by mistake; one that a person made a draft is held by that person. One that will
never be wanted again is closed as superseded.
"""

from __future__ import annotations

from millrace.deploy.base import PullRequest
from millrace.release.documents import Release
from millrace.release.notes import held
from serving.rollout.actions import Action, Close, Merge, Nothing, Propose, Update
from serving.rollout.own import SUPERSEDED, is_held, is_intent, is_own
from serving.rollout.plans import Asked, Wish, branch, changes, text
from serving.rollout.seen import Proposal, Seen

STALE = 3600.0
"""Seconds for which a text stays as it is, whatever comes to be known."""


def want(seen: Seen, verb: Asked, *, merge: bool, reason: str) -> list[Action]:
    """Return what brings about one pull request, and its merge if no person is needed.

    One that a person opened on the same branch asks for the same.
    """
    wish, here = Wish(verb, reason, merges=merge), branch(seen, verb)
    mine = next((one for one in seen.proposals if one.pull.branch == here), None)
    others = [one for one in _own(seen) if one.pull.branch != here]
    closes = [Close(one.pull.number, SUPERSEDED + reason) for one in others]
    if mine is None:
        return [_proposed(seen, wish), *closes]
    return [*_towards(seen, wish, mine), *closes]


def hold(seen: Seen, reason: str) -> list[Action]:
    """Return what keeps everything where it is, until the evidence says more."""
    verbs = {branch(seen, verb): verb for verb in _possible(seen.release)}
    actions: list[Action] = []
    for one in _own(seen):
        verb = verbs.get(one.pull.branch)
        if verb is None:
            actions.append(Close(one.pull.number, SUPERSEDED + reason))
        elif not one.pull.draft and one.pull.head not in seen.theirs:
            actions.append(_drafted(seen, one, Wish(verb, reason)))
    return [*actions, Nothing(reason)]


def waited(seen: Seen) -> float:
    """Return the seconds for which the canary waited for people, where evidence let it go on.

    A pull request waits from when it was first asked for, as long as it is ready or held by a
    person; one that became a draft for want of evidence waited until then.
    """
    here = [branch(seen, verb) for verb in _possible(seen.release) if verb != "roll back"]
    mine = next((one for one in seen.proposals if one.pull.branch in here), None)
    if mine is None:
        return seen.history.waited
    lacking = mine.pull.draft and not is_held(mine.pull)
    until = mine.made if lacking else seen.now
    return seen.history.waited + max(0.0, until - max(mine.asked, seen.history.since))


def settle(seen: Seen, reason: str) -> list[Action]:
    """Return what closes every pull request of a rollout that has come to its end."""
    return [Close(one.pull.number, SUPERSEDED + reason) for one in _own(seen)]


def clear(seen: Seen) -> list[Action]:
    """Return what closes every pull request about a canary that is gone, whoever opened it."""
    gone = [one.pull for one in seen.proposals if not is_intent(one.pull)]
    return [Close(pull.number, f"{SUPERSEDED}the rollout is over") for pull in gone]


def _own(seen: Seen) -> list[Proposal]:
    return [one for one in seen.proposals if is_own(one.pull)]


def _drafted(seen: Seen, one: Proposal, wish: Wish) -> Update:
    pull, body = one.pull, held(one.pull.body, wish.reason)
    made = changes(seen, wish, one.asked)
    return Update(pull.number, pull.head, made, pull.title, body, draft=True, reason=wish.reason)


def _anew(seen: Seen, one: Proposal, wish: Wish) -> Update:
    pull, said = one.pull, text(seen, wish)
    made = changes(seen, wish, one.asked)
    return Update(
        pull.number, pull.head, made, said.title, said.body, draft=False, reason=wish.reason
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


def _proposed(seen: Seen, wish: Wish) -> Action:
    here = branch(seen, wish.verb)
    past = seen.over.get(here)
    no = _no(seen, past)
    if no:
        return Nothing(f"{no}; what was asked: {wish.reason}")
    made, said, known = changes(seen, wish, seen.now), text(seen, wish), past.number if past else 0
    return Propose(here, made, said.title, said.body, known=known, reason=wish.reason)


def _towards(seen: Seen, wish: Wish, mine: Proposal) -> list[Action]:
    number, head = mine.pull.number, mine.pull.head
    named = f"pull request #{number}"
    if is_held(mine.pull):
        return [Nothing(f"{named} is held as a draft by a person: {wish.reason}")]
    if mine.pull.draft or not mine.current or head in seen.stuck:
        if head in seen.theirs:
            return [Nothing(f"{named} was changed by a person, who merges or closes it")]
        return [_anew(seen, mine, wish)]
    if not wish.merges:
        if _is_stale(seen, mine):
            return [_anew(seen, mine, wish)]
        return [Nothing(f"{named} waits for a person: {wish.reason}")]
    refused = seen.refused.get(head)
    told = [Nothing(f"{named} is not merged yet: {refused}")] if refused else []
    return [Merge(number, head, wish.reason), *told]


def _is_stale(seen: Seen, mine: Proposal) -> bool:
    """Return whether there is at least twice the evidence that an own pull request tells.

    A new text is a new commit, and a forge may ask for approvals of that anew: so it is seldom.
    """
    fixed = not is_own(mine.pull) or mine.pull.head in seen.theirs
    if fixed or seen.judged.judgement is None:
        return False
    return seen.now - mine.made > max(STALE, mine.made - seen.history.since)


def _no(seen: Seen, past: PullRequest | None) -> str:
    """Return how a person said no to a pull request, empty if none did in this rollout."""
    if past is None or past.created < seen.history.arrived:
        return ""
    if past.state == "merged":
        return f"pull request #{past.number} was merged and then undone by hand"
    if past.comment.startswith(SUPERSEDED):
        return ""
    return f"pull request #{past.number} was closed by a person"
