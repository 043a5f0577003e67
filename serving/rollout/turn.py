"""Whose turn it is to go on trial: the newest candidate's; older ones are superseded."""

from __future__ import annotations

from millrace.errors import ReleaseError
from millrace.release.changes import propose_candidate
from millrace.release.documents import Canary
from millrace.release.history import serving_arm
from millrace.release.layout import arm_file
from serving.rollout.actions import Action, Close, Nothing, Settle, Update
from serving.rollout.own import SUPERSEDED, is_held, is_intent
from serving.rollout.seen import Proposal, Seen

_Brought = tuple[Proposal, Canary]


def line_up(seen: Seen) -> list[Action]:
    """Return what makes pull requests that bring a canary fit what serves and what is on trial.

    A pull request that restores a bundle is a person's wish: it is kept fit, never superseded.
    One that a person holds as a draft is left to that person.
    """
    brought = [
        (one, canary) for one in seen.proposals if (canary := _brought(one, seen)) is not None
    ]
    candidates = [one for one in brought if one[1].purpose == "release"]
    candidates.sort(key=lambda one: (one[1].version, one[0].pull.number), reverse=True)
    actions = [*_superseded(seen, candidates), *_settled(seen, candidates)]
    if seen.release.canary is None:
        restores = [_fitted(seen, *one) for one in brought if one[1].purpose == "restore"]
        actions += [one for one in restores if one is not None]
    return actions


def _brought(one: Proposal, seen: Seen) -> Canary | None:
    """Return the arm that a pull request brings.

    One that was to be a first release brings its stable arm, once another became the first.
    """
    if not is_intent(one.pull) or one.release is None:
        return None
    if one.release.canary is not None:
        return one.release.canary
    stable = one.release.stable
    there = stable.digest == seen.release.stable.digest
    return None if there else Canary(**stable.model_dump())


def _superseded(seen: Seen, candidates: list[_Brought]) -> list[Action]:
    """Return what closes candidates that will never have their turn."""
    if not candidates:
        return []
    (one, newest), *older = candidates
    closes: list[Action] = [
        Close(other.pull.number, f"{SUPERSEDED}{newest.name} is newer") for other, _ in older
    ]
    serving = serving_arm(seen.release)
    there = {serving.digest} | ({seen.release.canary.digest} if seen.release.canary else set())
    if newest.digest in there:
        closes.append(Close(one.pull.number, f"{SUPERSEDED}{newest.name} is there already"))
    elif newest.version < serving.version:
        closes.append(Close(one.pull.number, f"{SUPERSEDED}{serving.name} serves and is newer"))
    return closes


def _settled(seen: Seen, candidates: list[_Brought]) -> list[Action]:
    """Return what makes the newest candidate ready if its turn has come, and a draft if not."""
    if not candidates:
        return []
    one, canary = candidates[0]
    serving, barred = serving_arm(seen.release), _is_barred(seen)
    assert one.release is not None
    over = canary.digest == serving.digest or canary.version < serving.version
    if over or one.pull.head in seen.theirs:
        return []
    if is_held(one.pull):
        return [] if barred else [Nothing(_told(one))]
    if one.release.stable.digest == serving.digest and one.pull.draft == barred:
        return []
    why = "something else is under way" if barred else f"it is the turn of {canary.name}"
    return [Settle(one.pull.number, one.pull.head, why)]


def _is_barred(seen: Seen) -> bool:
    """Return whether something is on trial, or a person wants a bundle restored."""
    wishes = (
        one for one in seen.proposals if is_intent(one.pull) and "/restore-" in one.pull.branch
    )
    return seen.release.canary is not None or any(wishes)


def _told(one: Proposal) -> str:
    return f"pull request #{one.pull.number} is held as a draft by a person"


def _fitted(seen: Seen, one: Proposal, canary: Canary) -> Action | None:
    """Return what brings a pull request that restores a bundle up to date, if it is not."""
    pull, stable = one.pull, seen.release.stable
    if canary.digest == stable.digest:
        return Close(pull.number, f"{SUPERSEDED}{stable.name} serves this bundle already")
    if pull.draft:
        return Nothing(_told(one))
    if one.current or pull.head in seen.theirs:
        return None
    assert one.release is not None
    try:
        made = propose_candidate(
            seen.files,
            seen.release,
            canary,
            one.files[arm_file(seen.release.workload, canary.name)],
            serving=one.release.serving,
            rollout=one.release.rollout,
            now=seen.now,
            reason=one.release.position.reason,
        )
    except ReleaseError as error:
        return Nothing(f"pull request #{pull.number} does not fit what serves: {error}")
    reason = f"{stable.name} serves by now"
    return Update(pull.number, pull.head, made, pull.title, pull.body, draft=False, reason=reason)
