"""Pull requests in the deploy repository itself, for where there is no forge.

The branch says what is proposed and the record says what it means. People may use plain git: who
merges the branch has merged the pull request, who deletes it has closed it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache

from millrace.deploy.base import PullRequest
from millrace.deploy.git_forge import GitForge, Refs, State, Text
from millrace.deploy.merging import merge_message, merged_tree
from millrace.deploy.place import HEADS, MAIN, PULLS, Move, Place
from millrace.deploy.records import Records
from millrace.deploy.repository import is_merged
from millrace.deploy.tree import make_commit
from millrace.errors import ConflictError

_KEPT = 4096
"""Answers whether a commit is merged that are kept: they never change."""


class LocalForge(GitForge):
    """Pull requests kept as refs of the deploy repository."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._records = Records(place)
        self._is_merged = lru_cache(_KEPT)(lambda commit, main: is_merged(place, commit, main))

    def merge(self, number: int) -> str:
        """Merge an open pull request into the main branch and return the commit.

        Raises:
            ConflictError: it no longer applies, or is a draft, or is not open; nothing changed.
        """
        deadline = time.monotonic() + self._place.timeout
        while time.monotonic() < deadline:
            refs = self._refs()
            there = self.open_one(refs, number)
            refuse_draft(there)
            main = refs[MAIN]
            tree = merged_tree(self._place, main, there.head, number)
            message = merge_message(number, there.title, there.body)
            made = make_commit(self._place, [main, there.head], tree, message)
            settled = there.model_copy(update={"state": "merged", "merged": made})
            if self._place.update([Move(MAIN, main, made), *self._settle(refs, settled)]):
                return made
        raise self._in_the_way()

    def close(self, number: int, comment: str) -> None:
        """Close an open pull request without merging it; one that is closed already stays so.

        Raises:
            ConflictError: it is merged.
        """
        deadline = time.monotonic() + self._place.timeout
        while time.monotonic() < deadline:
            refs = self._refs()
            there = self._get(refs, number)
            if there.state == "closed":
                return
            there = self.open_one(refs, number)
            settled = there.model_copy(update={"state": "closed", "comment": comment})
            if self._place.update(self._settle(refs, settled)):
                return
        raise self._in_the_way()

    def _listed(self, refs: Refs, state: State) -> Iterator[PullRequest]:
        for record in self._records.all(refs).values():
            now = self._now(record, refs)
            if state in ("all", now.state):
                yield now

    def _now(self, record: PullRequest, refs: Refs) -> PullRequest:
        """Return a record with what people have done to its branch by plain git."""
        if record.state != "open":
            return record
        branch = refs.get(HEADS + record.branch)
        head = branch or record.head
        merged = self._is_merged(head, refs[MAIN])
        state = "merged" if merged else ("open" if branch else "closed")
        by = head if merged else ""
        return record.model_copy(update={"state": state, "head": head, "merged": by})

    def _open(self, refs: Refs, branch: Move, text: Text) -> PullRequest | None:
        records = self._records.all(refs)
        opened = PullRequest(
            number=max(records, default=0) + 1,
            branch=branch.ref.removeprefix(HEADS),
            title=text.title,
            body=text.body,
            state="open",
            draft=text.draft,
            head=branch.new or "",
            created=time.time(),
        )
        moves = [branch] if branch.old != branch.new else []
        for record in records.values():  # what was settled by plain git stays so
            if record.branch == opened.branch and record.state == "open":
                moves += self._settle(refs, self._now(record, refs), branch=False)
        moves.append(Move(f"{PULLS}{opened.number}", None, self._records.write(opened, None)))
        return opened if self._place.update(moves) else None

    def _edit(self, refs: Refs, there: PullRequest, branch: Move, text: Text) -> PullRequest | None:
        record = self._records.all(refs)[there.number]
        said = {"title": text.title, "body": text.body, "draft": text.draft, "head": branch.new}
        edited = record.model_copy(update=said)
        moves = [branch] if branch.old != branch.new else []
        ref = f"{PULLS}{there.number}"
        moves.append(Move(ref, refs[ref], self._records.write(edited, refs[ref])))
        return edited if self._place.update(moves) else None

    def _settle(self, refs: Refs, record: PullRequest, *, branch: bool = True) -> list[Move]:
        """Return the moves that keep a record, and that make its branch go."""
        ref = f"{PULLS}{record.number}"
        moves = [Move(ref, refs[ref], self._records.write(record, refs[ref]))]
        head = HEADS + record.branch
        return [*moves, Move(head, refs[head], None)] if branch and head in refs else moves


def refuse_draft(there: PullRequest) -> None:
    """See that a pull request is no draft.

    Raises:
        ConflictError: it is one.
    """
    if there.draft:
        raise ConflictError(
            "it is a draft",
            where=f"pull request #{there.number}",
            remedy=f"what it waits for: `millrace pr show {there.number}`",
        )
