"""Pull requests of Gitea: branches and commits by git, the rest by its REST API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from millrace.deploy.base import PullRequest
from millrace.deploy.git_forge import GitForge, Refs, State, Text
from millrace.deploy.gitea_api import GiteaApi, GiteaError
from millrace.deploy.gitea_merging import merging, passes, refused
from millrace.deploy.gitea_pull import (
    Event,
    GiteaPull,
    closing_comment,
    parsed,
    with_mark,
    without_mark,
)
from millrace.deploy.local_forge import refuse_draft
from millrace.deploy.merging import merged_tree
from millrace.deploy.place import HEADS, MAIN, Move, Place
from millrace.deploy.repository import is_merged

_KEPT = 4096
_FEW = 4
_BEFORE = timedelta(minutes=1)
"""Time before a pull request was closed in which it was said why."""
_STEP = 0.1
"""Seconds between two tries while Gitea checks whether a pull request can be merged."""


class GiteaForge(GitForge):
    """Pull requests of a repository on Gitea."""

    def __init__(self, place: Place, api: GiteaApi) -> None:
        super().__init__(place)
        self._api = api
        self._in_main = lru_cache(_FEW)(self._read_in_main)
        self._is_merged = lru_cache(_KEPT)(lambda commit, main: is_merged(place, commit, main))

    def merge(self, number: int) -> str:
        """Merge an open pull request into the main branch and return the commit.

        Raises:
            ConflictError: it no longer applies, or is a draft, or is not open; nothing changed.
            MergeRefusedError: Gitea does not allow it, such as without an approval.
        """
        deadline = time.monotonic() + self._place.timeout
        while True:
            refs = self._refs()
            there = self.open_one(refs, number)
            refuse_draft(there)
            merged_tree(self._place, refs[MAIN], there.head, number)  # names the conflicts
            try:
                self._api.call("POST", f"pulls/{number}/merge", content=merging(there))
            except GiteaError as error:
                if not passes(error) or time.monotonic() > deadline:
                    refuse_draft(self.open_one(self._refs(), number))  # by now, perhaps
                    raise refused(error, number) from None
                time.sleep(_STEP)
            else:
                return self._get(self._refs(), number).merged

    def close(self, number: int, comment: str) -> None:
        """Close an open pull request without merging it; one that is closed already stays so.

        Raises:
            ConflictError: it is merged.
        """
        refs = self._refs()
        there = self._get(refs, number)
        if there.state != "closed":
            there = self.open_one(refs, number)
            if comment:
                self._api.call("POST", f"issues/{number}/comments", content={"body": comment})
            try:
                self._change(number, state="closed")
            except GiteaError:
                self.open_one(self._refs(), number)  # somebody may have merged it
                raise
            # The branch goes, unless it has moved on: then it is left to whoever moved it.
            self._place.update([Move(HEADS + there.branch, there.head, None)])

    def _listed(self, refs: Refs, state: State) -> Iterator[PullRequest]:
        asked = "open" if state == "open" else "all"  # open at Gitea may be settled by plain git
        for there in self._asked(asked):
            now = self._now(there, refs)
            if state in ("all", now.state):
                yield now

    def _asked(self, state: str) -> Iterator[GiteaPull]:
        """Give the pull requests for the main branch as Gitea knows them, the newest first."""
        for entry in self._api.pages("pulls", {"state": state}):
            there = self._parsed(entry)
            if there.base.label == "main":
                yield there

    def _get(self, refs: Refs, number: int) -> PullRequest:
        try:
            there = self._parsed(self._api.call("GET", f"pulls/{number}"))
        except GiteaError as error:
            if error.status != 404:
                raise
            return super()._get(refs, number)
        return self._explained(there, refs)

    def _newest(self, refs: Refs, branch: str) -> PullRequest | None:
        if not self._was_proposed(branch):
            return None
        newest = next((one for one in self._asked("all") if one.head.label == branch), None)
        return self._explained(newest, refs) if newest else None

    def _was_proposed(self, branch: str) -> bool:
        """Return whether there is a pull request of a branch; Gitea does not say the newest."""
        try:
            self._api.call("GET", f"pulls/main/{branch}")
        except GiteaError as error:
            if error.status != 404:
                raise
            return False
        return True

    def _explained(self, there: GiteaPull, refs: Refs) -> PullRequest:
        """Return a pull request as it is now, with why it was closed."""
        now = self._now(there, refs)
        if now.state != "closed" or there.closed_at is None:
            return now
        since = (there.closed_at - _BEFORE).isoformat()
        told = self._api.call("GET", f"issues/{there.number}/timeline", query={"since": since})
        events = [parsed(Event, entry, self._api.base) for entry in told or () if entry]
        return now.model_copy(update={"comment": closing_comment(events)})

    def _parsed(self, entry: Any) -> GiteaPull:
        return parsed(GiteaPull, entry, self._api.base)

    def _now(self, there: GiteaPull, refs: Refs) -> PullRequest:
        """Return a pull request with what people have done by plain git.

        Gitea learns late of branches that plain git deletes, and not always of those it merges.
        """
        branch, kept = HEADS + there.head.label, f"refs/pull/{there.number}/head"
        is_open = there.state == "open"
        if is_open and branch not in refs:  # it may be younger than what was fetched
            refs.update(self._place.refs())
        names = (branch, kept) if is_open else (kept,)
        head = next((refs[name] for name in names if name in refs), there.head.sha)
        main = refs[MAIN]
        by_hand = self._is_merged(head, main) if is_open else kept in self._in_main(main)
        merged = there.merged or by_hand
        title, draft = without_mark(there.title)
        return PullRequest(
            number=there.number,
            branch=there.head.label,
            title=title,
            body=there.body or "",
            state="merged" if merged else "open" if is_open and branch in refs else "closed",
            draft=draft,
            head=head,
            merged=(there.merge_commit_sha or head) if merged else "",
            created=there.created_at.timestamp(),
            url=there.html_url,
        )

    def _read_in_main(self, main: str) -> frozenset[str]:
        """Return the refs of pull requests whose commits the main branch holds."""
        which = ("--format=%(refname)", f"--merged={main}", "refs/pull/")
        return frozenset(self._place.git("for-each-ref", *which).decode().split())

    def _open(self, refs: Refs, branch: Move, text: Text) -> PullRequest | None:
        name = branch.ref.removeprefix(HEADS)
        self._settle(refs, name)
        if branch.old != branch.new and not self._place.update([branch]):
            return None
        content = {
            "base": "main",
            "head": name,
            "title": with_mark(text.title, draft=text.draft),
            "body": text.body,
        }
        try:
            opened = self._api.call("POST", "pulls", content=content)
        except GiteaError as error:
            if error.status not in (404, 409):  # the branch is gone; somebody else has opened it
                raise
            return None
        return self._now(self._parsed(opened), {**refs, branch.ref: branch.new or ""})

    def _settle(self, refs: Refs, branch: str) -> None:
        """Tell Gitea what plain git has settled; it would take the next proposal for that one."""
        for entry in list(self._asked("open")):
            there = self._now(entry, refs)
            if there.branch == branch and there.state != "open":
                self._change(there.number, state="closed")

    def _edit(
        self, _refs: Refs, there: PullRequest, branch: Move, text: Text
    ) -> PullRequest | None:
        """Move the branch and say something else of it; None if somebody came in between.

        Gitea does not take both at once. Until both are done it is a draft, so that nobody merges
        one with the evidence of the other, should this be killed in the middle.
        """
        was = Text.of(there)
        if branch.old != branch.new:
            between = _between(was, text)
            self._say(there.number, was, between)
            if not self._place.update([branch]):
                head = self._place.refs().get(branch.ref)
                if head is None or not self._is_ours(head):  # it is theirs as it was
                    self._say(there.number, between, was)
                return None
            was = between
        found = self._say(there.number, was, text)
        if found not in ("", branch.new):  # this text is that of another commit by now
            return None
        said = {"title": text.title, "body": text.body, "draft": text.draft, "head": branch.new}
        return there.model_copy(update=said)

    def _say(self, number: int, was: Text, text: Text) -> str:
        """Say something else of a pull request; return its commit, empty if it says that."""
        if text == was:
            return ""
        return self._change(number, title=with_mark(text.title, draft=text.draft), body=text.body)

    def _change(self, number: int, **fields: str) -> str:
        """Change a pull request and return the commit that it proposes."""
        edited = self._api.call("PATCH", f"pulls/{number}", content=fields)
        return self._parsed(edited).head.sha


def _between(was: Text, text: Text) -> Text:
    """Return what to say while the branch moves: nothing that may be merged, if it changes."""
    if was == text or text.draft:
        return text
    return replace(was, draft=True)
