"""What a candidate changes when it is brought: an arm beside what serves, or the first release."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.deploy.base import Changes
from millrace.registry.card import Card
from millrace.release.arms import canary_arm
from millrace.release.changes import Files, propose_candidate
from millrace.release.documents import ArmRef, Canary, Release
from millrace.release.history import serving_arm
from millrace.release.layout import Site
from millrace.release.waiting import after_rollout, changes_between
from millrace.release.writing import first_release
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving


@dataclass(frozen=True)
class Brought:
    """A candidate, and what comes into the deploy repository with it.

    Attributes:
        workload: name of the workload.
        arm: the candidate as an arm.
        serving: how it answers.
        rollout: how it is judged.
        reason: why it is proposed, for people.
    """

    workload: str
    arm: Canary
    serving: Serving
    rollout: Rollout
    reason: str


def as_candidate(arm: ArmRef, card: Card, release: Release | None) -> Canary:
    """Return a bundle as a candidate; its scores are compared with those that evaluation saw.

    Args:
        arm: the bundle, under its name.
        card: its card.
        release: what the main branch says; None if nothing is released.
    """
    compared = release is not None and card.lineage.champion == serving_arm(release).digest
    return Canary(
        version=arm.version,
        digest=arm.digest,
        name=arm.name,
        score_distance=card.score_distance if compared else None,
    )


def present_bundles(release: Release) -> set[str]:
    """Return the digests of the bundles that serve or are on trial."""
    return {release.stable.digest, *([release.canary.digest] if release.canary else [])}


def bring(
    brought: Brought, files: Files, release: Release | None, site: Site, *, now: float
) -> Changes:
    """Return the changes that bring a candidate, on top of what serves once no trial goes on.

    Args:
        brought: the candidate.
        files: the workload's files.
        release: what they say; None if nothing is released.
        site: where bundles lie.
        now: Unix time, seconds.

    Raises:
        ReleaseError: its name is that of another bundle that serves.
    """
    arm, serving, rollout = brought.arm, brought.serving, brought.rollout
    if release is None:
        return first_release(brought.workload, arm, serving, rollout, site, now=now)
    free_files, free = after_rollout(files, release, now=now)
    wanted = propose_candidate(
        free_files,
        free,
        arm,
        canary_arm(free_files, free, arm, serving, site),
        serving=serving,
        rollout=rollout,
        now=now,
        reason=brought.reason,
    )
    return changes_between(files, free_files, wanted)
