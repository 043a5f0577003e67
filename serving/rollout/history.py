"""The way of a canary so far, as Git tells it: when it came, when its weights and steps changed.

Times are those of commits on the main branch, never those written in files: a pull request may be
merged long after it was written. Commits that people made by hand count like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from millrace.deploy.base import Commit, Repository
from millrace.errors import ReleaseError
from millrace.release.documents import Release
from millrace.release.reading import read_release
from serving.metrics.intervals import SplitSince

_KEPT = 2000
"""Releases that are kept in memory."""


@dataclass(frozen=True)
class History:
    """A canary's way.

    Attributes:
        arrival: commit with which it came.
        arrived: Unix time of that commit, seconds.
        started: Unix time at which it first had weight; 0 if it never had.
        since: Unix time at which the present phase and step came to stand.
        weighed: Unix time at which the present weights came to stand.
        splits: every split of the traffic since it came, oldest first.
        newest: newest commit that changed the workload's folder.
    """

    arrival: str
    arrived: float
    started: float
    since: float
    weighed: float
    splits: tuple[SplitSince, ...]
    newest: str


class Reader:
    """Releases at commits, each read once: a commit never changes."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._read: dict[tuple[str, str], Release | None] = {}

    def release(self, commit: str, workload: str) -> Release | None:
        """Return the release at a commit; None if there was none that could be read."""
        key = (commit, workload)
        if len(self._read) > _KEPT:
            self._read.clear()
        if key not in self._read:
            files = self._repository.files(commit, workload)
            try:
                self._read[key] = read_release(files, workload)
            except ReleaseError:
                self._read[key] = None
        return self._read[key]

    def history(self, commit: str, release: Release) -> History:
        """Return the way of the release's canary; without a canary, that of its stable arm."""
        commits = self._repository.history(commit, release.workload)
        return history_of(commits, release, lambda one: self.release(one, release.workload))


def history_of(
    commits: Sequence[Commit], release: Release, release_at: Callable[[str], Release | None]
) -> History:
    """Return the way of a release's canary; without a canary, that of its stable arm.

    Args:
        commits: first-parent commits of the workload's folder, newest first; not none.
        release: the release at the newest of them.
        release_at: the release at each of them; None where it cannot be read.
    """
    known: list[tuple[Commit, Release | None]] = []
    for commit in commits:
        found = release_at(commit.id)
        if found is not None and _on_trial(found) != _on_trial(release):
            break
        known.append((commit, found))
    while len(known) > 1 and known[-1][1] is None:
        known.pop()
    known.reverse()
    return _told(known, release, commits[0].id)


def _told(known: list[tuple[Commit, Release | None]], release: Release, newest: str) -> History:
    canary = release.canary.name if release.canary else release.stable.name
    splits: list[SplitSince] = []
    started = since = weighed = time = 0.0
    position: tuple[str, int] | None = None
    for commit, found in known:
        time = max(time, commit.time)  # clocks of several machines may disagree
        weight = found.weights.get(canary, 0) / 100 if found is not None else None
        if not splits or splits[-1].weight != weight:
            splits.append(SplitSince(time, weight))
        if found is None:
            continue
        started = started or (time if weight else 0.0)
        here = (found.position.phase, found.position.step)
        since, position = (since, position) if here == position else (time, here)
    last = [split for split in splits if split.weight is not None]
    weighed = last[-1].time if last else since
    arrival = known[0][0]
    return History(arrival.id, arrival.time, started, since, weighed, tuple(splits), newest)


def _on_trial(release: Release) -> tuple[object, ...]:
    """Return what tells one rollout from another."""
    canary = release.canary
    if canary is None:
        return (release.stable.digest,)
    return (canary.digest, canary.version, canary.purpose, canary.attempt, release.stable.digest)
