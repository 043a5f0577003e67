"""The way of a canary so far, as Git tells it: when it came, when its weights and steps changed.

Times are those of commits on the main branch, never those written in files: a pull request may be
merged long after it was written. Commits that people made by hand count like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from millrace.deploy.base import Commit, Repository
from millrace.errors import ReleaseError
from millrace.release.documents import Position, Release
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
        waited: seconds for which what brought it here had waited to be merged.
        splits: every split of the traffic since it came, oldest first.
        newest: newest commit that changed the workload's folder.
    """

    arrival: str
    arrived: float
    started: float
    since: float
    weighed: float
    waited: float
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
    started = time = 0.0
    stay = _Stay()
    for commit, found in known:
        time = max(time, commit.time)  # clocks of several machines may disagree
        weight = found.weights.get(canary, 0) / 100 if found is not None else None
        if not splits or splits[-1].weight != weight:
            splits.append(SplitSince(time, weight))
        if found is not None:
            started = started or (time if weight else 0.0)
            stay.note(found.position, time)
    last = [split for split in splits if split.weight is not None]
    return History(
        arrival=known[0][0].id,
        arrived=known[0][0].time,
        started=started,
        since=stay.since,
        weighed=last[-1].time if last else stay.since,
        waited=stay.waited,
        splits=tuple(splits),
        newest=newest,
    )


@dataclass
class _Stay:
    """Since when a rollout is where it is, and how long those waited who let it come there.

    A position says when it was asked for; its commit, when that was merged.
    """

    since: float = 0.0
    waited: float = 0.0
    _place: tuple[str, int] | None = None
    _asked: set[float] = field(default_factory=set)

    def note(self, position: Position, time: float) -> None:
        """Take what a commit says, the oldest first."""
        place = (position.phase, position.step)
        if place != self._place:
            if self._place is not None and position.since not in self._asked:
                self.waited += max(0.0, time - max(position.since, self.since))
            self.since, self._place = time, place
        self._asked.add(position.since)


def _on_trial(release: Release) -> tuple[object, ...]:
    """Return what tells one rollout from another."""
    canary = release.canary
    if canary is None:
        return (release.stable.digest,)
    return (canary.digest, canary.version, canary.purpose, canary.attempt, release.stable.digest)
