"""Propose to go back: from a canary to the stable arm, or to a bundle that is kept."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from millrace.deploy.base import Changes, Commit, Forge, PullRequest, Repository
from millrace.errors import ReleaseError
from millrace.registry.base import ModelRegistry
from millrace.registry.bundle import read_card
from millrace.registry.card import Card
from millrace.registry.published import open_bundle
from millrace.release.arms import canary_arm
from millrace.release.changes import Files, propose_candidate, roll_back
from millrace.release.documents import ArmRef, Canary, Release
from millrace.release.evidence import judged_text, restore_text
from millrace.release.evidence.markdown import Text, moment
from millrace.release.history import KeptArm, kept_arms, on_trial_since, served_before
from millrace.release.layout import Site, arm_name, branch_of, has_release
from millrace.release.reading import read_release
from millrace.storage import Store

_DIGEST_START = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")


@dataclass(frozen=True)
class Places:
    """Where a rollback looks, and where it proposes."""

    repository: Repository
    forge: Forge
    registry: ModelRegistry
    store: Store
    site: Site


@dataclass(frozen=True)
class Proposed:
    """A rollback that was proposed.

    Attributes:
        pull_request: what asks for it; it may have been there before.
        arm: the bundle that is to serve.
        leaves: the bundle that is to go.
        review: why it is to be merged by a review, as a clause for people; empty if the workload's
            policy lets it be merged without one. Never without for a bundle that has not served
            before, which nothing has judged on real traffic.
        restores: whether that bundle is not there yet, but comes back.
    """

    pull_request: PullRequest
    arm: ArmRef
    leaves: ArmRef
    review: str
    restores: bool

    @property
    def merges_itself(self) -> bool:
        """Return whether it may be merged without a review."""
        return not self.review


def propose_rollback(
    workload: str, places: Places, *, to: str = "", reason: str = "", now: float
) -> Proposed:
    """Propose to go back, and return the pull request; it is not merged here.

    Without `to`: while a canary is on trial it is rolled back; else the bundle that served before
    is to serve again. The bundle that is to serve is in the store and undamaged.

    Args:
        workload: name of the workload.
        places: where to look and to propose.
        to: version, or (the start of) the digest, of a bundle that the deploy repository's history
            or the registry names.
        reason: why, for people.
        now: Unix time, seconds.

    Raises:
        ReleaseError: nothing is released, there is nothing to go back to, or `to` names nothing.
        StoreError: the bundle is not in the store, or damaged.
        DeployError: the deploy repository or its forge does not answer.
        RegistryError: the registry does not answer.
    """
    head = places.repository.head()
    files = places.repository.files(head, workload)
    if not has_release(files, workload):
        released = ", ".join(places.repository.folders(head))
        raise ReleaseError(
            "no such workload is released" if released else "nothing is released",
            where=workload,
            expected=f"one of {released}" if released else "",
            remedy=f"release it first: `millrace run {workload}`, then merge what it proposes",
        )
    release = read_release(files, workload)
    state = _State(workload, places, release, files, head, reason, now)
    if release.canary is not None and not to:
        return _off_trial(state, release.canary)
    kept = _wanted(state, to) if to else _last(state)
    return _restored(state, kept)


@dataclass(frozen=True)
class _State:
    """The release folder at a commit, and who asks what of it."""

    workload: str
    places: Places
    release: Release
    files: Files
    head: str
    reason: str
    now: float

    @property
    def where(self) -> str:
        return self.workload

    def propose(self, branch: str, changes: Changes, text: Text) -> PullRequest:
        return self.places.forge.propose(
            branch, self.head, changes, title=text.title, body=text.body
        )


def _off_trial(state: _State, canary: Canary) -> Proposed:
    """Propose to roll the canary back, on the branch that the controller would use."""
    release = state.release
    if release.position.phase == "rolled back":
        raise ReleaseError(
            f"version {canary.version} is rolled back already",
            where=state.where,
            found="weight 0; its arm goes next",
            remedy="see `millrace status`",
        )
    _undamaged(state, release.stable)
    reason = state.reason or "a person asks"
    branch = branch_of(state.workload, canary, "roll back", step=release.position.step)
    changes = roll_back(state.files, release, now=state.now, reason=reason)
    merges = release.rollout.policy.rollback == "auto"
    arrived = on_trial_since(state.places.repository, state.workload, canary)
    text = judged_text(
        "roll back", release, None, now=state.now, arrived=arrived, merges=merges, reason=reason
    )
    made = state.propose(_unrefused(state, branch), changes, text)
    return Proposed(made, release.stable, canary, _review(release), restores=False)


def _unrefused(state: _State, branch: str) -> str:
    """Return the branch, or the next like it where a person refused one: now a person asks."""
    number, name = 1, branch
    while (known := state.places.forge.find(name)) is not None and known.state != "open":
        number += 1
        name = f"{branch}-{number}"
    return name


def _last(state: _State) -> KeptArm:
    before = served_before(state.places.repository, state.workload, state.release.stable)
    if before is not None:
        return before
    versions = _versions(state, [])
    raise ReleaseError(
        f"there is nothing to go back to: no other version than {state.release.stable.version} "
        "ever served",
        where=state.where,
        remedy=f"name one with --to: {versions}" if versions else "release another first",
    )


def _wanted(state: _State, to: str) -> KeptArm:
    """Return the bundle that a person names, from Git's history or from the registry."""
    known = {kept.arm.digest: kept for kept in kept_arms(state.places.repository, state.workload)}
    for one in state.places.registry.candidates(state.workload):
        name = arm_name(state.workload, one.version)
        arm = ArmRef(version=one.version, digest=one.digest, name=name)
        commit = Commit(id="", time=0.0, subject="")
        known.setdefault(one.digest, KeptArm(arm, b"", commit, served=False))
    found = [kept for kept in known.values() if _is_named(kept.arm, to)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{kept.arm.version} ({kept.arm.digest[:12]})" for kept in found)
    others = _versions(state, list(known.values()))
    raise ReleaseError(
        "more than one bundle is called so" if found else "there is no such version or bundle",
        where=state.where,
        found=listed or repr(to),
        expected=f"one of {others}" if others and not found else "",
        remedy="give more of its digest" if found else "" if others else "release another first",
    )


def _versions(state: _State, known: list[KeptArm]) -> str:
    arms = [kept.arm for kept in known]
    if not arms:
        arms = [
            ArmRef(version=one.version, digest=one.digest, name="")
            for one in state.places.registry.candidates(state.workload)
        ]
    serving = state.release.stable.digest
    others = sorted({arm.version for arm in arms if arm.digest != serving}, reverse=True)
    return ", ".join(map(str, others))


def _is_named(arm: ArmRef, to: str) -> bool:
    if to.removeprefix("v") == str(arm.version) or to == arm.name:
        return True
    start = _DIGEST_START.fullmatch(to)
    return start is not None and arm.digest.startswith(start[1])


def _restored(state: _State, kept: KeptArm) -> Proposed:
    """Propose a kept bundle as an arm beside the stable one, which it is to replace."""
    release, site = state.release, state.places.site
    _restorable(state, kept.arm)
    card = _undamaged(state, kept.arm)
    prefix = f"millrace/{state.workload}/{kept.arm.digest[:12]}/restore-"
    before = [
        one
        for one in state.places.forge.pull_requests(state.workload, "all")
        if one.branch.startswith(prefix) and one.branch.removeprefix(prefix).isdecimal()
    ]
    opened = next((one for one in before if one.state == "open"), None)
    review = _review(release, kept)
    if opened is not None:
        return Proposed(opened, kept.arm, release.stable, review, restores=True)
    canary = Canary(
        version=kept.arm.version,
        digest=kept.arm.digest,
        name=arm_name(state.workload, kept.arm.version),
        purpose="restore",
        attempt=len(before) + 1,
    )
    content = kept.content or canary_arm(state.files, release, canary, release.serving, site)
    changes = propose_candidate(
        state.files,
        release,
        canary,
        content,
        serving=release.serving,
        rollout=release.rollout,
        now=state.now,
        reason=state.reason,
    )
    text = restore_text(
        release,
        canary,
        card,
        uri=site.storage_uri(canary.digest),
        reason=state.reason,
        served=f"until {moment(kept.commit.time)}" if kept.served else "",
    )
    made = state.propose(branch_of(state.workload, canary, "restore"), changes, text)
    return Proposed(made, kept.arm, release.stable, review, restores=True)


def _review(release: Release, kept: KeptArm | None = None) -> str:
    """Return why a rollback waits for a review; empty if it need not."""
    if release.rollout.policy.rollback != "auto":
        return "as the workload's policy says"
    if kept is not None and not kept.served:
        return f"because version {kept.arm.version} has not served before"
    return ""


def _restorable(state: _State, arm: ArmRef) -> None:
    release = state.release
    back = f"`millrace rollback {state.workload}` without --to rolls that back"
    if release.position.phase == "rolled back":
        back = "wait until its arm is gone (`millrace status`): it is rolled back already"
    if arm.digest == release.stable.digest:
        trial = release.canary is not None
        raise ReleaseError(
            f"version {arm.version} serves already",
            where=state.where,
            found=f"version {release.canary.version} on trial beside it" if release.canary else "",
            remedy=back if trial else "name another with --to, or nothing for the one before",
        )
    if release.canary is not None:
        raise ReleaseError(
            f"version {release.canary.version} is on trial",
            where=state.where,
            expected="nothing on trial when another bundle is to serve",
            remedy=back,
        )


def _undamaged(state: _State, arm: ArmRef) -> Card:
    """Return the card of a bundle after every file of it was checked."""
    with tempfile.TemporaryDirectory() as scratch:
        return read_card(open_bundle(state.places.store, arm.digest, Path(scratch)))
