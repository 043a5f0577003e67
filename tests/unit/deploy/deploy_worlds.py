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
from millrace.deploy import Forge, Repository
from millrace.deploy.gitea_api import GiteaApi
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

    def repository(self, client: str = "") -> Repository:
        return GitRepository(self.place(client))

    def forge(self, client: str = "") -> Forge:
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
    """Do something, once, before or after the command of this number, counted from 0.

    Gives the commands that ran: those of git, and requests of Gitea's API.
    """
    with _at(patch, lambda ran: len(ran) == number + 1, before, after) as ran:
        yield ran


@contextmanager
def at_first(
    patch: pytest.MonkeyPatch, command: str, before: object = None, after: object = None
) -> Iterator[list[list[str]]]:
    """Do something, once, before or after the first command that begins with these words.

    Gives the commands that ran.
    """

    def now(ran: list[list[str]]) -> bool:
        found = [one[: len(words)] == words for one in ran]
        return found[-1] and not any(found[:-1])

    words = command.split()
    with _at(patch, now, before, after) as ran:
        yield ran


@contextmanager
def at_change(
    patch: pytest.MonkeyPatch, number: int, before: object = None, after: object = None
) -> Iterator[list[list[str]]]:
    """Do something, once, before or after the command of this number of those that change others.

    Gives the commands that ran.
    """

    def now(ran: list[list[str]]) -> bool:
        changes = [one[0] in ("push", "POST", "PATCH") for one in ran]
        return changes[-1] and sum(changes) == number + 1

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

    def step(command, run):  # type: ignore[no-untyped-def]
        ran.append(command)
        now = when(ran)
        if now and before:
            before()  # type: ignore[operator]
        done = run()
        if now and after:
            after()  # type: ignore[operator]
        return done

    def run(arguments, **rest):  # type: ignore[no-untyped-def]
        return step(list(arguments), lambda: run_git(arguments, **rest))

    send = GiteaApi._send

    def ask(api, method, path, *rest):  # type: ignore[no-untyped-def]
        return step([method, path], lambda: send(api, method, path, *rest))

    with patch.context() as context:
        context.setattr(place_module, "run_git", run)
        context.setattr(GiteaApi, "_send", ask)
        yield ran
