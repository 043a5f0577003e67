"""What a candidate has to wait for, and what it changes once it need not wait any more."""

from __future__ import annotations

import re
from collections.abc import Sequence

from millrace.deploy.base import Changes, PullRequest
from millrace.release.changes import Files, applied, without_canary
from millrace.release.documents import Release
from millrace.release.reading import read_release

_RESTORE = re.compile(r"millrace/[^/]+/[0-9a-f]{12}/restore-\d+")


def obstacle(release: Release | None, opened: Sequence[PullRequest]) -> str:
    """Return what a candidate has to wait for, for people; '' if it need not wait.

    What is on trial comes to its end first, and what a person wants restored goes before. No
    candidate waits for another: the newest supersedes the others.

    Args:
        release: what the main branch says; None if nothing is released.
        opened: the workload's open pull requests.
    """
    if release is None:
        return ""
    if release.canary is not None:
        return f"the rollout of version {release.canary.version} to end"
    wishes = [one for one in opened if _RESTORE.fullmatch(one.branch)]
    first = min(wishes, key=lambda one: one.number, default=None)
    return f"pull request #{first.number} ({first.title})" if first else ""


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
