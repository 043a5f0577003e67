"""Git and a forge in memory, which keep the promises of millrace.deploy.base, and their clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from millrace.deploy.base import Changes, Commit, FileChange, PullRequest
from millrace.errors import BranchTakenError, ConflictError, MergeRefusedError
from millrace.release.changes import applied

START = 1_000_000.0
Kind = Literal["propose", "update", "merge", "close"]


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Node:
    parents: tuple[str, ...]
    files: Mapping[str, bytes]
    time: float
    subject: str
    actor: str


@dataclass
class Pull:
    """A pull request, and what people did to it.

    Attributes:
        shown: as the forge tells it.
        closed_by: who closed it.
        pushed: whether a person pushed to its branch.
        held: whether a person made it a draft.
    """

    shown: PullRequest
    closed_by: str = ""
    pushed: bool = False
    held: bool = False


@dataclass(frozen=True)
class Deed:
    """Something that was done to a pull request.

    Attributes:
        kind: what was done.
        actor: who did it.
        main: the main branch of then.
        time: Unix time, seconds.
        before: the pull request before; None if it was opened.
        after: the pull request after.
        held: whether a person held it as a draft.
    """

    kind: Kind
    actor: str
    main: str
    time: float
    before: PullRequest | None
    after: PullRequest
    held: bool


class Git:
    """Commits, the main branch and pull requests; a repository and a forge in one."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.actor = "person"
        self.nodes: dict[str, Node] = {"c0": Node((), {}, clock(), "Begin", "person")}
        self.main = "c0"
        self.pulls: dict[int, Pull] = {}
        self.refusal = ""
        """Why the forge refuses to merge for anyone but a person; empty if it does not."""
        self.forgetful = False
        """Whether comments are lost with which pull requests are closed."""
        self.deeds: list[Deed] = []

    # Repository

    def head(self) -> str:
        return self.main

    def files(self, commit: str, folder: str) -> dict[str, bytes]:
        tree = self.nodes[commit].files
        return {path: tree[path] for path in tree if path.startswith(f"{folder}/")}

    def folders(self, commit: str) -> list[str]:
        return sorted({path.partition("/")[0] for path in self.nodes[commit].files})

    def history(self, commit: str, path: str, *, since: float = 0.0) -> list[Commit]:
        found = []
        for name, node in self.line(commit):
            before = self.files(node.parents[0], path) if node.parents else {}
            if self.files(name, path) != before and node.time >= since:
                found.append(Commit(id=name, time=float(int(node.time)), subject=node.subject))
        return found

    def commit(self, parent: str, changes: Changes, message: str) -> str:
        if parent != self.main:
            raise ConflictError("the main branch has moved on")
        self.main = self._node((parent,), applied(self.nodes[parent].files, changes), message)
        return self.main

    def difference(self, head: str) -> tuple[list[FileChange], str]:
        raise NotImplementedError

    # Forge

    def pull_requests(self, workload: str = "", state: str = "open") -> list[PullRequest]:
        start = f"millrace/{workload}/" if workload else ""
        found = [one.shown for _, one in sorted(self.pulls.items(), reverse=True)]
        return [
            one for one in found if state in ("all", one.state) and one.branch.startswith(start)
        ]

    def look(self) -> tuple[str, list[PullRequest]]:
        return self.head(), self.pull_requests()

    def get(self, number: int) -> PullRequest:
        return self.pulls[number].shown

    def find(self, branch: str) -> PullRequest | None:
        found = [one.shown for one in self.pulls.values() if one.shown.branch == branch]
        return max(found, key=lambda one: one.number) if found else None

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
        newest = self.find(branch)
        if newest is not None:
            unseen = known is not None and newest.number > known
            ahead = newest.state == "merged" and newest.head not in self.ancestors(parent)
            if newest.state == "open" or unseen or ahead:
                return newest
        head = self._node((parent,), applied(self.nodes[parent].files, changes), title)
        number = len(self.pulls) + 1
        shown = PullRequest(
            number=number,
            branch=branch,
            title=title,
            body=body,
            state="open",
            draft=draft,
            head=head,
            created=self.clock(),
        )
        self.pulls[number] = Pull(shown)
        self._done("propose", None, self.pulls[number])
        return shown

    def update(
        self, number: int, parent: str, changes: Changes, *, title: str, body: str, draft: bool
    ) -> PullRequest:
        one = self._open(number)
        if one.pushed:
            raise BranchTakenError("a person has pushed to its branch")
        head = self._node((parent,), applied(self.nodes[parent].files, changes), title)
        told = {"head": head, "title": title, "body": body, "draft": draft}
        before, one.shown = one.shown, one.shown.model_copy(update=told)
        self._done("update", before, one)
        return one.shown

    def merge(self, number: int) -> str:
        one = self._open(number)
        if one.shown.draft:
            raise ConflictError("it is a draft")
        if self.actor == "controller" and self.refusal:
            raise MergeRefusedError(self.refusal, where=f"pull request #{number}")
        head = one.shown.head
        base = next(name for name, _ in self.line(head) if name in self.ancestors(self.main))
        merged = self._merged(base, head)
        subject = f"Merge pull request #{number}"
        before, one.shown = one.shown, one.shown.model_copy(update={"state": "merged"})
        self._done("merge", before, one)
        self.main = self._node((self.main, head), merged, subject)
        return self.main

    def close(self, number: int, comment: str) -> None:
        if self.pulls[number].shown.state == "closed":
            return
        one = self._open(number)
        one.closed_by = self.actor
        told = {"state": "closed", "comment": "" if self.forgetful else comment}
        before, one.shown = one.shown, one.shown.model_copy(update=told)
        self._done("close", before, one)

    # People at the forge

    def mark(self, number: int, *, draft: bool) -> None:
        """Let a person make a pull request a draft, or ready again."""
        one = self._open(number)
        one.held = draft
        one.shown = one.shown.model_copy(update={"draft": draft})

    # what is beneath

    def line(self, commit: str) -> Iterator[tuple[str, Node]]:
        """First parents, newest first."""
        while True:
            node = self.nodes[commit]
            yield commit, node
            if not node.parents:
                return
            commit = node.parents[0]

    def ancestors(self, commit: str) -> set[str]:
        found, todo = set(), [commit]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.nodes[name].parents
        return found

    def is_current(self, head: str, commit: str, folder: str) -> bool:
        """Return whether a head has the newest change of a folder up to a commit."""
        newest = self.history(commit, folder)
        return not newest or newest[0].id in self.ancestors(head)

    def _done(self, kind: Kind, before: PullRequest | None, one: Pull) -> None:
        deed = Deed(kind, self.actor, self.main, self.clock(), before, one.shown, one.held)
        self.deeds.append(deed)

    def _merged(self, base: str, head: str) -> dict[str, bytes]:
        ours, theirs = self.nodes[self.main].files, self.nodes[head].files
        start = self.nodes[base].files
        merged = {}
        for path in {*ours, *theirs}:
            mine, other, old = ours.get(path), theirs.get(path), start.get(path)
            if mine != other and old not in (mine, other):
                raise ConflictError("it no longer applies")
            content = other if mine == old else mine
            if content is not None:
                merged[path] = content
        return merged

    def _node(self, parents: tuple[str, ...], files: Mapping[str, bytes], subject: str) -> str:
        name = f"c{len(self.nodes)}"
        self.nodes[name] = Node(parents, dict(files), self.clock(), subject, self.actor)
        return name

    def _open(self, number: int) -> Pull:
        one = self.pulls[number]
        if one.shown.state != "open":
            raise ConflictError(f"it is {one.shown.state} already")
        return one
