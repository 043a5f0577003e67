"""What every forge over Git shares: a branch is the lock; pull requests are read beside refs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from millrace.deploy.base import Changes, PullRequest
from millrace.deploy.place import HEADS, MAIN, PLATFORM, Move, Place
from millrace.deploy.repository import is_merged, main_of
from millrace.deploy.tree import changed_tree, make_commit
from millrace.errors import BranchTakenError, ConflictError, DeployError

State = Literal["open", "merged", "closed", "all"]
Refs = dict[str, str]
_PREFIX = "millrace"


@dataclass(frozen=True)
class Text:
    """What a pull request says."""

    title: str
    body: str
    draft: bool

    @classmethod
    def of(cls, there: PullRequest) -> Text:
        """Return what a pull request says now."""
        return cls(there.title, there.body, there.draft)

    @property
    def message(self) -> str:
        """Return it as the message of a commit."""
        return f"{' '.join(self.title.split())}\n\n{self.body}"


class GitForge(ABC):
    """Pull requests whose branches are branches of the deploy repository."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @abstractmethod
    def _listed(self, refs: Refs, state: State) -> Iterator[PullRequest]:
        """Give the pull requests as they are now, the newest first."""

    @abstractmethod
    def _open(self, refs: Refs, branch: Move, text: Text) -> PullRequest | None:
        """Move the branch and open a pull request of it; None if somebody came in between."""

    @abstractmethod
    def _edit(self, refs: Refs, there: PullRequest, branch: Move, text: Text) -> PullRequest | None:
        """Move the branch and say something else of it; None if somebody came in between."""

    def pull_requests(self, workload: str = "", state: State = "open") -> list[PullRequest]:
        """Return pull requests, the newest first; those of one workload if it is named."""
        start = f"{_PREFIX}/{workload}/" if workload else ""
        found = self._listed(self._refs(), state)
        return [one for one in found if one.branch.startswith(start)]

    def look(self) -> tuple[str, list[PullRequest]]:
        """Return the newest commit of the main branch and the open pull requests."""
        refs = self._refs()
        found = list(self._listed(refs, "open"))
        return refs[MAIN], found

    def get(self, number: int) -> PullRequest:
        """Return one pull request, whatever its state.

        Raises:
            DeployError: there is none of this number; the open ones are named.
        """
        return self._get(self._refs(), number)

    def find(self, branch: str) -> PullRequest | None:
        """Return the newest pull request of a branch, whatever its state."""
        return self._newest(self._refs(), branch)

    def propose(
        self,
        branch: str,
        parent: str,
        changes: Changes,
        *,
        title: str,
        body: str,
        draft: bool = False,
        known: int | None = None,
    ) -> PullRequest:
        """Open a pull request of one commit on top of `parent`; the one that is there if there is.

        See `Forge.propose`.
        """
        text = Text(title, body, draft)
        deadline = time.monotonic() + self._place.timeout
        made = ""
        while time.monotonic() < deadline:
            refs = self._refs()
            self._place.obtain(parent)
            newest = self._newest(refs, branch)
            if newest and (_unseen(newest, known) or self._holds(newest, parent)):
                return newest
            at = refs.get(HEADS + branch)
            to = at
            if at is None or self._is_left(at, newest, refs):
                made = made or self._commit(parent, changes, text)
                to = made
            opened = self._open(refs, Move(HEADS + branch, at, to), text)
            if opened:
                return opened
        raise self._in_the_way()

    def update(
        self, number: int, parent: str, changes: Changes, *, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Make an open pull request propose something else: one commit on top of `parent`.

        Raises:
            BranchTakenError: a person has pushed to its branch.
            ConflictError: it is no longer open.
        """
        text = Text(title, body, draft)
        deadline = time.monotonic() + self._place.timeout
        while time.monotonic() < deadline:
            refs = self._refs()
            self._place.obtain(parent)
            there = self.open_one(refs, number)
            if not self._is_ours(there.head):
                raise BranchTakenError(
                    "a person has pushed to its branch",
                    where=f"pull request #{number}",
                    remedy="merge or close it: `millrace pr merge` or `millrace pr close`",
                )
            made = self._commit(parent, changes, text, instead=there.head)
            if made == there.head and text == Text.of(there):
                return there
            edited = self._edit(refs, there, Move(HEADS + there.branch, there.head, made), text)
            if edited:
                return edited
        raise self._in_the_way()

    def open_one(self, refs: Refs, number: int) -> PullRequest:
        """Return a pull request that is open.

        Raises:
            DeployError: there is none of this number.
            ConflictError: it is not open.
        """
        found = self._get(refs, number)
        if found.state != "open":
            raise ConflictError(
                f"it is {found.state} already",
                where=f"pull request #{number}",
                remedy="open ones: `millrace pr list`",
            )
        return found

    def _refs(self) -> Refs:
        """Return what refs are now; an empty repository gets its first commit before."""
        refs = self._place.refs()
        if MAIN in refs:
            return refs
        main_of(self._place, refs)
        return self._place.refs()

    def _get(self, refs: Refs, number: int) -> PullRequest:
        found = next((one for one in self._listed(refs, "all") if one.number == number), None)
        if found:
            return found
        there = ", ".join(f"#{one.number}" for one in self._listed(refs, "open"))
        raise DeployError(
            "there is no such pull request",
            where=f"#{number}",
            expected=f"one of the open ones: {there}" if there else "",
            remedy="all of them: `millrace pr list --state all`",
        )

    def _newest(self, refs: Refs, branch: str) -> PullRequest | None:
        return next((one for one in self._listed(refs, "all") if one.branch == branch), None)

    def _holds(self, there: PullRequest, parent: str) -> bool:
        """Return whether a pull request stands for one proposed from a commit of main.

        An open one does; so does one that was merged after that commit.
        """
        if there.state != "merged":
            return there.state == "open"
        self._place.obtain(there.merged)
        return not is_merged(self._place, there.merged, parent)

    def _is_left(self, at: str, newest: PullRequest | None, refs: Refs) -> bool:
        """Return whether a branch is what a settled pull request left, not a killed attempt."""
        settled = newest is not None and newest.head == at
        return settled or is_merged(self._place, at, main_of(self._place, refs))

    def _is_ours(self, commit: str) -> bool:
        self._place.obtain(commit)
        told = self._place.git("log", "-1", "--format=%ce", commit)
        return told.decode(errors="replace").strip() == PLATFORM[1]

    def _commit(self, parent: str, changes: Changes, text: Text, instead: str = "") -> str:
        """Return a commit of changes; the one that is there instead if it is the same."""
        tree = changed_tree(self._place, parent, changes)
        if instead:
            told = self._place.git("log", "-1", "--format=%T %P%n%B", instead).decode()
            if told.strip() == f"{tree} {parent}\n{text.message}".strip():
                return instead
        return make_commit(self._place, [parent], tree, text.message, author=PLATFORM)

    def _in_the_way(self) -> ConflictError:
        return ConflictError(
            f"others have changed it all the time for {self._place.timeout:g} s",
            where=self._place.where,
            remedy="run again",
        )


def _unseen(there: PullRequest, known: int | None) -> bool:
    return known is not None and there.number > known
