"""Candidates that wait: drafts while something else is under way, made ready when it is over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from millrace.deploy.base import Changes, Forge, PullRequest, Repository
from millrace.errors import ConflictError, ReleaseError
from millrace.release.changes import Files, applied, propose_candidate, without_canary
from millrace.release.documents import Canary, Release
from millrace.release.history import serving_arm
from millrace.release.layout import Site, arm_file, has_release
from millrace.release.reading import read_release
from millrace.release.writing import first_release

_BRANCH = re.compile(r"millrace/[^/]+/[0-9a-f]{12}/(?:(release)|restore-\d+)")
_DRAFT = re.compile(r"\A> \*\*Draft\*\*.*\n\n?")
_ANEW = re.compile(r"\A> \*\*Made anew\*\*.*\n\n?")


def obstacle(release: Release | None, opened: Sequence[PullRequest], branch: str) -> str:
    """Return what a candidate has to wait for, for people; '' if it need not wait.

    What a person wants restored goes first, then the oldest candidate. First releases wait for
    nothing: whichever a person merges is the first, and the others are made anew beside it.

    Args:
        release: what the main branch says; None if nothing is released.
        opened: the workload's open pull requests.
        branch: the candidate's own branch.
    """
    if release is None:
        return ""
    if release.canary is not None:
        return f"the rollout of version {release.canary.version} to end"
    own = next((one.number for one in opened if one.branch == branch), None)
    first = min(
        (
            one
            for one in opened
            if _is_restore(one)
            or (_is_candidate(one) and one.branch != branch and (own is None or one.number < own))
        ),
        key=lambda one: one.number,
        default=None,
    )
    return f"pull request #{first.number} ({first.title})" if first else ""


def with_note(body: str, waits_for: str) -> str:
    """Return a pull request's text that says on top what it waits for; without, if nothing."""
    plain = _DRAFT.sub("", body)
    return f"> **Draft**: waits for {waits_for}.\n\n{plain}" if waits_for else plain


def has_note(body: str) -> bool:
    """Return whether a pull request's text says on top why it is a draft."""
    return _DRAFT.match(body) is not None


def held(body: str, reason: str) -> str:
    """Return a pull request's text that says on top why it may not be merged at the moment."""
    return f"> **Draft**: not now: {reason.rstrip('.')}.\n\n{_DRAFT.sub('', body)}"


def after_rollout(
    files: Files, release: Release, *, now: float
) -> tuple[dict[str, bytes], Release]:
    """Return the files and the release as they are once nothing is on trial any more."""
    if release.canary is None:
        return dict(files), release
    free = applied(files, without_canary(files, release, now=now))
    return free, read_release(free, release.workload)


def changes_between(files: Files, free: Files, changes: Changes) -> Changes:
    """Return changes of `free` as changes of `files`."""
    after = applied(free, changes)
    gone = {path: None for path in files if path not in after}
    return gone | {path: content for path, content in after.items() if files.get(path) != content}


def settle_candidates(
    workload: str, repository: Repository, forge: Forge, site: Site
) -> list[PullRequest]:
    """Bring the open pull requests of candidates up to date; return those that changed.

    A draft whose time has come becomes ready, a ready one whose way is barred becomes a draft, and
    one that was made on top of another stable arm is made anew. Otherwise they are left as they
    are, with all that people did to them.

    Args:
        workload: name of the workload.
        repository: the deploy repository.
        forge: its pull requests.
        site: where bundles lie.

    Raises:
        DeployError: the deploy repository or its forge does not answer.
        ReleaseError: the main branch says something that cannot be.
    """
    head = repository.head()
    files = repository.files(head, workload)
    release = read_release(files, workload) if has_release(files, workload) else None
    opened = forge.pull_requests(workload)
    changed = []
    for one in sorted(filter(_is_candidate, opened), key=lambda found: found.number):
        waits_for = obstacle(release, opened, one.branch)
        proposed = _release_of(repository, one, workload)
        if proposed is None:
            continue
        fits = _fits(proposed, release)
        body = one.body if fits else _made_anew(one.body, release)
        body = with_note(body, waits_for)
        if fits and (one.draft, one.body) == (bool(waits_for), body):
            continue
        changes = _anew(files, release, repository.files(one.head, workload), proposed, site)
        if changes is None:
            continue
        try:
            changed.append(
                forge.update(
                    one.number, head, changes, title=one.title, body=body, draft=bool(waits_for)
                )
            )
        except ConflictError:  # a person pushed to its branch: it is theirs now
            continue
    return changed


def _made_anew(body: str, release: Release | None) -> str:
    """Return a candidate's text that says on top beside which other arm it is to go on trial."""
    plain = _ANEW.sub("", _DRAFT.sub("", body))
    if release is None:
        return plain
    return (
        f"> **Made anew**: `{serving_arm(release).name}` serves by now. Merging puts this version "
        "on trial beside it, step by step; their scores are not compared. What follows was written "
        f"before.\n\n{plain}"
    )


def _is_candidate(found: PullRequest) -> bool:
    branch = _BRANCH.fullmatch(found.branch)
    return branch is not None and branch[1] == "release"


def _is_restore(found: PullRequest) -> bool:
    branch = _BRANCH.fullmatch(found.branch)
    return branch is not None and branch[1] is None


def _release_of(repository: Repository, found: PullRequest, workload: str) -> Release | None:
    """Return what a pull request proposes; None if people made of it what cannot be."""
    try:
        return read_release(repository.files(found.head, workload), workload)
    except ReleaseError:
        return None


def _fits(proposed: Release, release: Release | None) -> bool:
    """Return whether a proposal was made on top of the stable arm that is there."""
    if release is None:
        return proposed.canary is None
    return proposed.stable.digest == serving_arm(release).digest


def _anew(
    files: Files, release: Release | None, theirs: Files, proposed: Release, site: Site
) -> Changes | None:
    """Return the changes of a proposal on top of what is there; None if it is there already."""
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
