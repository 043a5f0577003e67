"""Bring a candidate's pull request up to date: ready or a draft, on top of what serves."""

from __future__ import annotations

from millrace.deploy.base import Changes, Forge, PullRequest, Repository
from millrace.errors import ReleaseError
from millrace.release.changes import Files, propose_candidate
from millrace.release.documents import Canary, Release
from millrace.release.history import serving_arm
from millrace.release.layout import Site, arm_file, has_release
from millrace.release.notes import made_anew, with_note
from millrace.release.reading import read_release
from millrace.release.waiting import after_rollout, changes_between, obstacle
from millrace.release.writing import first_release


def settle_candidate(
    workload: str, number: int, repository: Repository, forge: Forge, site: Site
) -> PullRequest | None:
    """Bring the open pull request of a candidate up to date; None if there is nothing to do.

    A draft whose time has come becomes ready, a ready one whose way is barred becomes a draft, and
    one that was made on top of another stable arm is made anew. Otherwise it is left as it is,
    with all that people did to it.

    Args:
        workload: name of the workload.
        number: the pull request's.
        repository: the deploy repository.
        forge: its pull requests.
        site: where bundles lie.

    Raises:
        BranchTakenError: a person pushed to its branch.
        ConflictError: it was settled in the meantime.
        DeployError: the deploy repository or its forge does not answer.
        ReleaseError: the main branch says something that cannot be.
    """
    head = repository.head()
    files = repository.files(head, workload)
    release = read_release(files, workload) if has_release(files, workload) else None
    opened = forge.pull_requests(workload)
    one = next((found for found in opened if found.number == number), None)
    theirs = repository.files(one.head, workload) if one else {}
    proposed = _release_of(theirs, workload)
    if one is None or proposed is None:
        return None
    waits_for = obstacle(release, opened)
    fits = _fits(proposed, release)
    serves = serving_arm(release).name if release else ""
    body = with_note(one.body if fits else made_anew(one.body, serves), waits_for)
    if fits and (one.draft, one.body) == (bool(waits_for), body):
        return None
    changes = proposed_anew(files, release, theirs, proposed, site)
    if changes is None:
        return None
    return forge.update(number, head, changes, title=one.title, body=body, draft=bool(waits_for))


def proposed_anew(
    files: Files, release: Release | None, theirs: Files, proposed: Release, site: Site
) -> Changes | None:
    """Return the changes of a proposal on top of what is there; None if it serves already.

    Args:
        files: the workload's files.
        release: what they say; None if nothing is released.
        theirs: the files as proposed.
        proposed: what those say.
        site: where bundles lie.
    """
    arm = proposed.canary or Canary(**proposed.stable.model_dump())
    now, reason = proposed.position.since, proposed.position.reason
    serving, rollout = proposed.serving, proposed.rollout
    if release is None:
        return first_release(proposed.workload, arm, serving, rollout, site, now=now)
    free_files, free = after_rollout(files, release, now=now)
    if arm.digest == free.stable.digest:
        return None
    same = proposed.canary is not None and proposed.stable.digest == free.stable.digest
    canary = arm if same else arm.model_copy(update={"score_distance": None})
    content = theirs[arm_file(proposed.workload, arm.name)]
    wanted = propose_candidate(
        free_files,
        free,
        canary,
        content,
        serving=serving,
        rollout=rollout,
        now=now,
        reason=reason,
    )
    return changes_between(files, free_files, wanted)


def _release_of(files: Files, workload: str) -> Release | None:
    """Return what a pull request proposes; None if people made of it what cannot be."""
    try:
        return read_release(files, workload)
    except ReleaseError:
        return None


def _fits(proposed: Release, release: Release | None) -> bool:
    """Return whether a proposal was made on top of the stable arm that is there."""
    if release is None:
        return proposed.canary is None
    return proposed.stable.digest == serving_arm(release).digest
