"""What the deploy repository asks for, followed from commit to commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from millrace.deploy import Repository
from millrace.errors import DeployError, ReleaseError
from serving.local.desired import Wanted, read_wanted
from serving.local.unforeseen import as_fault, keep_traceback

POLL_SECONDS = 0.1
SPARING = 3
"""How many times longer than to ask for the head the pause to the next time is: a server is asked
less often than a folder."""
LONGEST_PAUSE = 5.0
REPOSITORY = ""
"""Where a fault of the repository itself is noted among those of folders."""


@dataclass(frozen=True)
class Asked:
    """What the deploy repository asks for, at one moment.

    Attributes:
        commit: the newest that was read; empty before the first.
        wanted: by workload.
        faults: what is wrong, one line each.
    """

    commit: str = ""
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


class Watch:
    """Follows the main branch; what is broken in a folder leaves what it said before in force."""

    def __init__(
        self,
        repository: Repository,
        changed: Callable[[], None],
        tell: Callable[[str, str], None],
        logs: Path,
    ) -> None:
        """Take the repository, and whom to call and to tell when what it asks for has changed.

        Args:
            repository: the deploy repository.
            changed: called whenever something has changed.
            tell: takes an event's name and a line for people.
            logs: folder of the platform's logs.
        """
        self._repository = repository
        self._changed = changed
        self._tell = tell
        self._logs = logs
        self._faults: dict[str, str] = {}
        self._told: set[str] = set()
        self._asked = 0.0
        self._commit = ""
        self._wanted: dict[str, Wanted] = {}

    @property
    def asked(self) -> Asked:
        """Return what is asked for right now."""
        # the commit first: what is wanted is changed before it
        return Asked(self._commit, self._wanted, tuple(self._faults.values()))

    async def follow(self) -> None:
        """Follow the main branch for ever."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(pause_after(self._asked, POLL_SECONDS))

    def look(self) -> None:
        """Read the newest commit, if it is a new one."""
        began = time.monotonic()
        try:
            head = self._repository.head()
            self._asked = time.monotonic() - began
            if head == self._commit:
                self._clear(REPOSITORY)
                return
            folders = self._repository.folders(head)
            files = {name: self._repository.files(head, name) for name in folders}
            if self._wanted.keys() - set(folders):
                self._see_that_it_is_the_same(head)
        except Exception as error:  # whatever it is, what serves goes on
            self._note(REPOSITORY, error)
            return
        self._clear(REPOSITORY)
        found = self._wanted | {}
        for name in set(found) - set(folders):
            del found[name]
            self._clear(name)
        for name in folders:
            self._read(name, files[name], found)
        self._wanted, self._commit = found, head
        self._changed()

    def _see_that_it_is_the_same(self, head: str) -> None:
        """See that a head without a workload that serves is of the repository followed so far.

        A repository that was lost is made anew, empty, by whoever asks for it next; that is no wish
        to serve nothing.

        Raises:
            DeployError: they have no first commit in common.
        """
        try:
            former, newest = (self._repository.history(one, "") for one in (self._commit, head))
        except DeployError:  # what was followed is not in it
            former, newest = [], []
        if not former or not newest or former[-1].id != newest[-1].id:
            raise DeployError(
                "this is another repository than the one that was followed so far",
                where="the deploy repository",
                found=f"commit {head[:10]}",
                expected=f"one that follows {self._commit[:10]}",
                remedy="put the former back; to follow this one, start the platform again",
            )

    def _read(self, name: str, files: dict[str, bytes], found: dict[str, Wanted]) -> None:
        others = [wanted for other, wanted in found.items() if other != name]
        try:
            wanted = read_wanted(files, name)
            if wanted is not None:
                _check_apart(wanted, others)
        except Exception as error:  # whatever it is, the other folders are followed on
            self._note(name, error)
            return
        self._clear(name)
        found.pop(name, None)
        if wanted is not None:
            found[name] = wanted
            for line in wanted.left_alone:
                self._once(line, "left_alone")

    def _note(self, place: str, error: Exception) -> None:
        where = place or "the deploy repository"
        fault = str(as_fault(error, where, self._logs))
        if self._faults.get(place) != fault:
            keep_traceback(error, where, self._logs)
            self._faults[place] = fault
            self._tell("fault", fault)
            self._changed()

    def _clear(self, place: str) -> None:
        if self._faults.pop(place, None) is not None:
            self._tell("fault_gone", f"mended: {place or 'the deploy repository'}")
            self._changed()

    def _once(self, line: str, event: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._tell(event, line)


def pause_after(asked: float, least: float) -> float:
    """Return the seconds until a repository is asked again.

    Args:
        asked: seconds that it took to answer.
        least: seconds for one that answers at once.
    """
    return min(max(least, SPARING * asked), LONGEST_PAUSE)


def _check_apart(wanted: Wanted, others: list[Wanted]) -> None:
    """See that no other workload has an arm or a host of the same name."""
    for other in others:
        arms = wanted.arms.keys() & other.arms.keys()
        hosts = {*(wanted.host.names if wanted.host else ())} & {
            *(other.host.names if other.host else ())
        }
        for name in sorted(arms | hosts):
            raise ReleaseError(
                f"{name} belongs to {other.workload} already",
                where=wanted.workload,
                remedy="give it another name",
            )
