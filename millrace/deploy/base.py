"""The deploy repository and its pull requests, as the platform uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from millrace.documents import Document

Changes = Mapping[str, bytes | None]
"""Content of files by their path in the repository; None for one that goes."""


class Commit(Document):
    """One commit of the main branch."""

    id: str
    time: float
    """Unix time of the committer, seconds."""
    subject: str


class FileChange(Document):
    """What a proposal does to one file."""

    path: str
    lines_added: int
    lines_removed: int
    kind: Literal["added", "changed", "removed"]


class PullRequest(Document):
    """A proposal to change what serves."""

    number: int
    branch: str
    """A function of what is proposed: creating it is the lock."""
    title: str
    body: str
    """Markdown: the evidence."""
    state: Literal["open", "merged", "closed"]
    draft: bool = False
    head: str
    """Commit that it proposes."""
    created: float
    """Unix time, seconds."""
    url: str = ""
    merged: str = ""
    """Commit of the main branch by which it holds this, once merged."""
    comment: str = ""
    """Why it was closed, if that was said; a list may leave it out."""


class Repository(Protocol):
    """A Git repository whose main branch says what serves.

    Every method raises a DeployError in one line if the repository does not answer.
    """

    def head(self) -> str:
        """Return the newest commit of the main branch, fetched now."""
        ...

    def files(self, commit: str, folder: str) -> dict[str, bytes]:
        """Return the content of every file under a folder, by path from the repository's root."""
        ...

    def folders(self, commit: str) -> list[str]:
        """Return the folders at the root, sorted, without those that begin with `.`."""
        ...

    def history(self, commit: str, path: str, *, since: float = 0.0) -> list[Commit]:
        """Return the first-parent commits up to `commit` that changed a path, the newest first.

        Args:
            commit: where history ends.
            path: a file or folder; empty for every commit.
            since: Unix time before which nothing is told, seconds.
        """
        ...

    def commit(self, parent: str, changes: Changes, message: str) -> str:
        """Put a commit on top of `parent` as the main branch's head, and return it.

        Raises:
            ConflictError: the main branch is no longer at `parent`; nothing was changed.
        """
        ...

    def difference(self, head: str) -> tuple[list[FileChange], str]:
        """Return what a proposed commit changes: by file, and as a unified diff.

        It is compared with the main branch at the place where it left it; once merged, with its
        own parent.
        """
        ...


class Forge(Protocol):
    """Pull requests of the deploy repository.

    Every method raises a DeployError in one line if the forge does not answer.
    """

    def pull_requests(
        self, workload: str = "", state: Literal["open", "merged", "closed", "all"] = "open"
    ) -> list[PullRequest]:
        """Return pull requests, the newest first; those of one workload if it is named.

        A workload's branches begin with `millrace/WORKLOAD/`.
        """
        ...

    def look(self) -> tuple[str, list[PullRequest]]:
        """Return the newest commit of the main branch and the open pull requests, the newest first.

        Both are of one moment, and a server is asked once.
        """
        ...

    def get(self, number: int) -> PullRequest:
        """Return one pull request, whatever its state.

        Raises:
            DeployError: there is none of this number; the open ones are named.
        """
        ...

    def find(self, branch: str) -> PullRequest | None:
        """Return the newest pull request of a branch, whatever its state."""
        ...

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

        Two that propose the same branch at once get the same pull request: creating the branch is
        the lock. A killed attempt is completed by the next. One that is open is returned as it is;
        so is one whose merge `parent` does not have yet, since the caller cannot know of it.

        Args:
            branch: what is proposed.
            parent: commit of the main branch that the proposal was made from.
            changes: what it changes there.
            title: one line.
            body: Markdown: the evidence.
            draft: whether it is not to be merged yet.
            known: number of the newest pull request of this branch that the caller knows of, 0 if
                it knows none. A newer one is then returned whatever its state, so that what a
                person closes meanwhile is not proposed again.
        """
        ...

    def update(
        self,
        number: int,
        parent: str,
        changes: Changes,
        *,
        title: str,
        body: str,
        draft: bool,
    ) -> PullRequest:
        """Make an open pull request propose something else: one commit on top of `parent`.

        Raises:
            BranchTakenError: a person has pushed to its branch.
            ConflictError: it is no longer open.
        """
        ...

    def merge(self, number: int) -> str:
        """Merge an open pull request into the main branch and return the commit.

        Raises:
            ConflictError: it no longer applies, or is a draft, or is not open; nothing changed.
            MergeRefusedError: the forge does not allow it as things stand; nothing changed.
        """
        ...

    def close(self, number: int, comment: str) -> None:
        """Close an open pull request without merging it; one that is closed already stays so.

        Raises:
            ConflictError: it is merged.
        """
        ...
