"""What the deploy repository's history knows: which bundles served, which were on trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from millrace.deploy.base import Commit, Repository
from millrace.errors import ReleaseError
from millrace.release.documents import ArmRef, Canary, Release
from millrace.release.inference import parse_inference_service
from millrace.release.layout import ROLLOUT, arm_file, has_release
from millrace.release.manifest import Intent, parse_rollout
from millrace.release.reading import read_release


@dataclass(frozen=True)
class KeptArm:
    """An arm as it once stood in the deploy repository.

    Attributes:
        arm: which bundle, under which name.
        content: its file.
        commit: the newest commit in which it stood.
        served: whether it was the stable arm there.
    """

    arm: ArmRef
    content: bytes
    commit: Commit
    served: bool


def present_release(repository: Repository, workload: str) -> Release | None:
    """Return the release of a workload as the main branch says; None if nothing is released.

    Raises:
        DeployError: the deploy repository does not answer.
        ReleaseError: what it says cannot be.
    """
    files = repository.files(repository.head(), workload)
    return read_release(files, workload) if has_release(files, workload) else None


def serving_arm(release: Release) -> ArmRef:
    """Return the arm that serves: the stable one, or the canary once it was promoted."""
    if release.canary is not None and release.position.phase == "promoted":
        return release.canary
    return release.stable


def kept_arms(repository: Repository, workload: str) -> list[KeptArm]:
    """Return every arm that stood in a workload's folder, the one that was there last first.

    An arm that served and was on trial is there once, as one that served.
    """
    found: dict[str, KeptArm] = {}
    for commit, intent, files in _intents(repository, workload):
        named = [(intent.stable, True), *([(intent.canary, False)] if intent.canary else [])]
        for arm, served in named:
            content = files.get(arm_file(workload, arm.name), b"")
            known = found.get(arm.digest)
            if known is not None and (known.served or not served):
                continue
            plain = ArmRef(version=arm.version, digest=arm.digest, name=arm.name)
            if _holds(content, plain):
                # The place in the order is that of the first time it was met.
                found[arm.digest] = KeptArm(plain, content, commit, served)
    return list(found.values())


def served_before(repository: Repository, workload: str, present: ArmRef) -> KeptArm | None:
    """Return the arm that served before the present one, if there was one."""
    for commit, intent, files in _intents(repository, workload):
        if intent.stable.digest != present.digest:
            content = files.get(arm_file(workload, intent.stable.name), b"")
            return KeptArm(intent.stable, content, commit, served=True)
    return None


def on_trial_since(repository: Repository, workload: str, canary: Canary) -> float:
    """Return the Unix time at which the present canary came, seconds."""
    arrived = 0.0
    for commit, intent, _ in _intents(repository, workload):
        if intent.canary is None or intent.canary.digest != canary.digest:
            break
        arrived = commit.time
    return arrived


def _intents(
    repository: Repository, workload: str
) -> Iterator[tuple[Commit, Intent, dict[str, bytes]]]:
    """Yield what rollout.yaml said, the newest first, with the files beside it.

    A commit in which it said what cannot be is passed over: nothing was made so.
    """
    path = f"{workload}/{ROLLOUT}"
    for commit in repository.history(repository.head(), path):
        files = repository.files(commit.id, workload)
        if path in files:
            try:
                yield commit, parse_rollout(files[path], path, workload), files
            except ReleaseError:
                continue


def _holds(content: bytes, arm: ArmRef) -> bool:
    try:
        return parse_inference_service(content, arm.name).digest == arm.digest
    except ReleaseError:
        return False
