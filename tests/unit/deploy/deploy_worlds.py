"""Deploy repositories to test on, and the hands of a person who uses plain git on them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import millrace.deploy.place as place_module
from millrace.deploy.local_forge import LocalForge
from millrace.deploy.place import Place, open_place
from millrace.deploy.process import run_git
from millrace.deploy.repository import GitRepository
from millrace.settings import Settings

BRANCH = "millrace/churn/0123456789ab/release"
PERSON = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


class KilledError(BaseException):
    """Stands for a kill: nothing catches it."""


class World:
    """A deploy repository in a folder, seen by clients that share nothing else."""

    def __init__(self, home: Path, timeout: float = 10.0) -> None:
        self.settings = Settings(home=home, timeout=timeout)
        self.home = home
        self.folder = home.resolve() / "deploy.git"

    def place(self, client: str = "") -> Place:
        """Return the repository itself or, for a client with a name, a cache of it."""
        own = open_place(self.settings)
        if not client:
            return own
        return replace(own, folder=self.home / f"{client}.git", cache=True)

    def repository(self, client: str = "") -> GitRepository:
        return GitRepository(self.place(client))

    def forge(self, client: str = "") -> LocalForge:
        return LocalForge(self.place(client))

    def git(self, *arguments: str, content: str = "", ok: bool = True) -> str:
        """Run plain git as a person does."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **PERSON, "GIT_CONFIG_GLOBAL": os.devnull},
            input=content,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == ok, done.stderr
        return done.stdout.strip()

    def person_commits(self, branch: str, message: str = "by hand") -> str:
        """Put an empty commit on a branch."""
        made = self.git("commit-tree", f"{branch}^{{tree}}", "-p", branch, "-m", message)
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made

    def person_merges(self, branch: str) -> str:
        """Merge a branch into main and push; the branch stays."""
        tree = self.git("merge-tree", "--write-tree", "main", branch)
        made = self.git("commit-tree", tree, "-p", "main", "-p", branch, "-m", "Merge by hand")
        self.git("update-ref", "refs/heads/main", made)
        return made

    def person_deletes(self, branch: str) -> None:
        self.git("branch", "-D", branch)


@contextmanager
def at_command(
    patch: pytest.MonkeyPatch, number: int, before: object = None, after: object = None
) -> Iterator[list[list[str]]]:
    """Do something, once, before or after the git command of this number, counted from 0.

    Gives the commands that ran.
    """
    with _at(patch, lambda ran: len(ran) == number + 1, before, after) as ran:
        yield ran


@contextmanager
def at_push(
    patch: pytest.MonkeyPatch, before: object = None, after: object = None
) -> Iterator[list[list[str]]]:
    """Do something, once, before or after the first push; gives the commands that ran."""

    def now(ran: list[list[str]]) -> bool:
        return ran[-1][0] == "push" and all(one[0] != "push" for one in ran[:-1])

    with _at(patch, now, before, after) as ran:
        yield ran


@contextmanager
def _at(
    patch: pytest.MonkeyPatch,
    when: Callable[[list[list[str]]], bool],
    before: object,
    after: object,
) -> Iterator[list[list[str]]]:
    ran: list[list[str]] = []

    def run(arguments, **rest):  # type: ignore[no-untyped-def]
        ran.append(list(arguments))
        now = when(ran)
        if now and before:
            before()  # type: ignore[operator]
        done = run_git(arguments, **rest)
        if now and after:
            after()  # type: ignore[operator]
        return done

    with patch.context() as context:
        context.setattr(place_module, "run_git", run)
        yield ran
