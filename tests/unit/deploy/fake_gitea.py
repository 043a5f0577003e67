"""A small Gitea: the endpoints for pull requests of its REST API; gitea_http.py serves it.

As Gitea 1.26 does: a pull request follows its branch while it is open; its head stays as
refs/pull/N/head; the first try to merge finds that it is still being checked; plain git that
deletes or merges a branch goes unnoticed; lists come in pages; the timeline tells who said and did
what.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TOKEN = "tok3n-that-nobody-may-see"
BOT = "millrace-bot"
"""Whose token that is."""
_PAGE = 2


@dataclass
class FakeGitea:
    """The server's state; `folder` holds the one repository, owner/deploy."""

    folder: Path
    pulls: list[dict[str, Any]] = field(default_factory=list)
    checked: set[int] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    """What was said and done of pull requests, the oldest first."""
    actor: str = BOT
    """Who asks."""
    asked: list[str] = field(default_factory=list)
    """Requests of the API, by method and path."""
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Answers given instead, by method and path; status 0 gives none."""
    noticed_empty: bool = True
    """Whether Gitea still takes the repository for empty."""
    url: str = ""
    lock: Any = field(default_factory=threading.RLock)
    over: threading.Event = field(default_factory=threading.Event)

    def git(self, *arguments: str, ok: bool = True) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=Gitea", "-c", "user.email=g@x", *arguments],
            cwd=self.folder,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stderr
        return done.stdout.strip() if done.returncode == 0 else ""

    def sha(self, ref: str) -> str:
        return self.git("rev-parse", "--verify", "--quiet", ref, ok=False)

    def follow(self) -> None:
        """Let open pull requests follow their branches."""
        for pull in self.pulls:
            head = self.sha(f"refs/heads/{pull['branch']}")
            if pull["state"] == "open" and head:
                self.git("update-ref", f"refs/pull/{pull['number']}/head", head)

    def told(self, pull: dict[str, Any]) -> dict[str, Any]:
        number, branch = pull["number"], pull["branch"]
        sha = self.sha(f"refs/heads/{branch}")
        kept = f"refs/pull/{number}/head"
        return {
            "number": number,
            "title": pull["title"],
            "body": pull["body"],
            "state": pull["state"],
            "merged": bool(pull["merged"]),
            "merge_commit_sha": pull["merged"] or None,
            "created_at": "2026-02-03T04:05:06Z",
            "closed_at": pull.get("closed_at"),
            "html_url": f"{self.url}/owner/deploy/pulls/{number}",
            "base": {"label": "main", "ref": "main", "sha": self.sha("refs/heads/main")},
            "head": {"label": branch, "ref": branch if sha else kept, "sha": sha or self.sha(kept)},
        }

    def answer(self, method: str, path: str, query: dict[str, str], sent: Any) -> tuple[Any, ...]:
        """Return status, content and more headers for a request below the repository's API."""
        self.asked.append(f"{method} {path}")
        self.follow()
        if path == "" and method == "GET":
            empty, self.noticed_empty = self.noticed_empty, False
            return 200, {"empty": empty}
        if self.noticed_empty:
            return 404, {"message": "not found"}
        if path == "pulls":
            return self.listed(query) if method == "GET" else self.opened(sent)
        if path.startswith("pulls/main/"):
            return self.some_of(path.removeprefix("pulls/main/"))
        return self.about(method, path, query, sent)

    def about(self, method: str, path: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
        """Answer about one pull request."""
        found = re.fullmatch(r"(?:pulls|issues)/(\d+)(/merge|/comments|/timeline)?", path)
        if not found or int(found[1]) > len(self.pulls):
            return 404, {"message": "not found"}
        pull = self.pulls[int(found[1]) - 1]
        if found[2]:
            return self.beside(pull, found[2], sent or query)
        if method == "PATCH" and "state" in sent and pull["merged"]:
            return 412, {
                "message": "cannot change state of this pull request, it was already merged"
            }
        return (201, self.edited(pull, sent)) if method == "PATCH" else (200, self.told(pull))

    def beside(self, pull: dict[str, Any], what: str, sent: Any) -> tuple[int, Any]:
        """Answer about what belongs to a pull request."""
        if what == "/merge":
            return self.refusal(pull, sent) or self.merge(pull, sent)
        if what == "/comments":
            return 201, self.happened(pull, "comment", sent["body"])
        since = datetime.fromisoformat(sent["since"])
        own = [one for one in self.events if one["issue"] == pull["number"]]
        return 200, [one for one in own if datetime.fromisoformat(one["created_at"]) >= since]

    def edited(self, pull: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        before = pull["state"]
        pull.update({k: sent[k] for k in ("title", "body", "state") if k in sent})
        if pull["state"] != before:
            did = self.happened(pull, "close" if before == "open" else "reopen")
            pull["closed_at"] = did["created_at"] if before == "open" else None
        return self.told(pull)

    def happened(self, pull: dict[str, Any], what: str, body: str = "") -> dict[str, Any]:
        """Keep an event and return it."""
        said = {"type": what, "body": body, "user": {"login": self.actor}}
        when = {"created_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        self.events.append({"id": len(self.events) + 1, "issue": pull["number"], **said, **when})
        return self.events[-1]

    def some_of(self, branch: str) -> tuple[int, Any]:
        """Tell one of the pull requests of a branch, not the newest."""
        found = next((pull for pull in self.pulls if pull["branch"] == branch), None)
        return (200, self.told(found)) if found else (404, {"message": "not found"})

    def listed(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        state = query.get("state", "open")
        found = [p for p in reversed(self.pulls) if state in ("all", p["state"])]
        start = (int(query.get("page", "1")) - 1) * _PAGE
        page = [self.told(pull) for pull in found[start : start + _PAGE]]
        return 200, page, {"X-Total-Count": str(len(found))}

    def opened(self, sent: dict[str, Any]) -> tuple[int, Any]:
        branch = sent["head"]
        if not self.sha(f"refs/heads/{branch}"):
            return 404, {"message": "branch not found"}
        if any(p["branch"] == branch and p["state"] == "open" for p in self.pulls):
            return 409, {"message": f"pull request already exists for these targets [{branch}]"}
        number = len(self.pulls) + 1
        pull = {"number": number, "branch": branch, "state": "open", "merged": ""}
        self.pulls.append({**pull, "title": sent["title"], "body": sent["body"]})
        self.follow()
        return 201, self.told(self.pulls[-1])

    def refusal(self, pull: dict[str, Any], sent: dict[str, Any]) -> tuple[int, Any] | None:
        """Return why a pull request is not even tried to be merged."""
        number = pull["number"]
        head = self.sha(f"refs/pull/{number}/head")
        waits, closed = number not in self.checked, pull["state"] == "closed"
        self.checked.add(number)
        reasons = [
            (pull["merged"], 405, "The PR is already merged"),
            (closed, 404, "not found"),
            (pull["title"].startswith("WIP:"), 405, "Work in progress PRs cannot be merged"),
            (waits, 405, "Please try again later"),
            (sent.get("head_commit_id", head) != head, 409, "head out of date"),
        ]
        return next(((status, {"message": text}) for holds, status, text in reasons if holds), None)

    def merge(self, pull: dict[str, Any], sent: dict[str, Any]) -> tuple[int, Any]:
        head = self.sha(f"refs/pull/{pull['number']}/head")
        tree = self.git("merge-tree", "--write-tree", "main", head, ok=False)
        if not tree:
            return 409, {"message": ""}
        parents = ["-p", "main"] + (["-p", head] if sent["Do"] == "merge" else [])
        message = f"{sent['MergeTitleField']}\n\n{sent['MergeMessageField']}"
        pull["merged"] = self.git("commit-tree", tree, *parents, "-m", message)
        pull["state"] = "closed"
        self.git("update-ref", "refs/heads/main", pull["merged"])
        if sent.get("delete_branch_after_merge"):
            self.git("update-ref", "-d", f"refs/heads/{pull['branch']}")
        return 200, None

    def by_hand(self, method: str, path: str, **sent: Any) -> None:
        """Do on Gitea's pages what a person does there."""
        with self.lock:
            self.actor = "ada"
            try:
                status, said, *_ = self.answer(method, path, {}, sent)
            finally:
                self.actor = BOT
            assert status < 300, said
