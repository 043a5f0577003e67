"""Where the deploy repository is: the Git directory on this machine that is read and built in.

For a repository on this machine that is the repository itself; for a server's it is a cache, which
is brought up to date before it is read. Refs change in one way for both, by an atomic push that
says what it expects to find.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from millrace.addresses import without_credentials
from millrace.deploy.address import local_folder, web_base, without_login
from millrace.deploy.faults import git_fault, is_busy
from millrace.deploy.locks import LOCK, held, remove_stale_locks
from millrace.deploy.process import (
    Ran,
    check_version,
    configured_author,
    git_environment,
    run_git,
)
from millrace.errors import DeployError
from millrace.settings import Settings

PLATFORM = ("Millrace", "millrace@localhost")
"""Who makes the platform's commits."""
HEADS = "refs/heads/"
MAIN = f"{HEADS}main"
PULLS = "refs/millrace/pulls/"
"""Where the local forge keeps its pull requests, by number."""
_PATTERNS = (HEADS, "refs/millrace/", "refs/pull/")
_STEP = 0.05
"""Seconds between two tries at a ref that somebody else has locked."""


class Move(NamedTuple):
    """A change to one ref, which holds only if the ref still is what it was."""

    ref: str
    old: str | None
    """The commit that it names; None if there is no such ref."""
    new: str | None
    """The commit that it is to name; None if it is to go."""


@dataclass(frozen=True)
class Place:
    """The Git directory of the deploy repository, and how to reach what it is a cache of."""

    folder: Path
    """The Git directory."""
    url: str
    """Where refs are pushed to, as git takes it; others see it in the list of processes."""
    own: bool
    """Whether it is ours to make and to keep: the default one, or a cache."""
    cache: bool
    """Whether it is a cache of a server's repository."""
    forge: bool
    """Whether the server keeps pull requests of its own."""
    timeout: float
    person: bool
    login: str = field(default="", repr=False)
    """`user:password` for HTTP; empty for none."""

    @property
    def where(self) -> str:
        """Return the address as people may see it."""
        return without_credentials(self.url)

    @cached_property
    def author(self) -> tuple[str, str]:
        """Return who makes commits here: the person before it if there is one, else Millrace."""
        return (configured_author(self.folder) if self.person else None) or PLATFORM

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which git works in the directory."""
        return self._environment | {"GIT_DIR": str(self.folder)}

    def git(
        self, *arguments: str, content: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a git command in the directory and return what it says.

        Raises:
            DeployError: it fails.
        """
        ran = self.attempt(*arguments, content=content, extra=extra)
        if ran.code != 0:
            raise self.fault(ran)
        return ran.out

    def attempt(
        self, *arguments: str, content: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> Ran:
        """Run a git command in the directory, which may fail."""
        environment = {**self.environment, **(extra or {})}
        ran = run_git(arguments, environment=environment, timeout=self.timeout, content=content)
        said = without_credentials(ran.err)
        return Ran(ran.code, ran.out, self._without_password(said), ran.timed_out)

    def fault(self, ran: Ran) -> DeployError:
        """Return a failed command as a fault."""
        return git_fault(ran, self.where, self.timeout)

    def refs(self) -> dict[str, str]:
        """Return the branches and pull requests as they are now: commits by full name of the ref.

        Raises:
            DeployError: the repository cannot be read.
        """
        self._ready()
        if self.cache:
            self._fetch()
        told = self.git("for-each-ref", "--format=%(objectname) %(refname)", *_PATTERNS)
        pairs = (line.partition(" ") for line in told.decode().splitlines())
        return {name: commit for commit, _, name in pairs}

    def update(self, moves: Sequence[Move]) -> bool:
        """Change refs, all or none; return whether it was done.

        It is not done if a ref is no longer what it was. Of several that are made, the first is
        made first, should the machine stop in the middle.

        Raises:
            DeployError: the repository does not take it.
        """
        deadline = self._deadline()
        while True:
            ran = self.attempt(*_push(self.url, moves))
            if ran.code == 0:
                return True
            refs = self.refs()
            if all(refs.get(move.ref) == move.new for move in moves):
                return True
            if any(refs.get(move.ref) != move.old for move in moves):
                return False
            self._wait(ran, deadline)

    def obtain(self, commit: str) -> None:
        """See that a commit is here, though no branch may lead to it any more.

        Raises:
            DeployError: there is no such commit.
        """
        self._ready()
        known = self.attempt("cat-file", "-e", f"{commit}^{{commit}}").code == 0
        if known:
            return
        fault = DeployError("there is no such commit", where=self.where, found=commit)
        if not self.cache:
            raise fault
        with held(self.folder / LOCK, self.timeout):
            ran = self.attempt("fetch", *_QUIET, self.url, commit)
        if ran.code != 0:
            raise self.fault(ran) if ran.timed_out else fault

    def _fetch(self) -> None:
        specs = [f"+{HEADS}*:{HEADS}*", "+refs/millrace/*:refs/millrace/*"]
        specs += ["+refs/pull/*/head:refs/pull/*/head"] if self.forge else []
        deadline = self._deadline()
        while True:
            with held(self.folder / LOCK, self.timeout):
                ran = self.attempt("fetch", "--prune", "--force", *_QUIET, self.url, *specs)
            if ran.code == 0:
                return
            self._wait(ran, deadline)

    def _deadline(self) -> float:
        """Return until when a lock is waited for: long enough for one that a kill left."""
        return time.monotonic() + self.timeout + 1

    def _wait(self, ran: Ran, deadline: float) -> None:
        """Wait a moment if a command failed at a lock; see that it is not there for ever.

        Raises:
            DeployError: it failed for another reason, or was tried for long enough.
        """
        if not is_busy(ran) or time.monotonic() > deadline:
            raise self.fault(ran)
        remove_stale_locks(self.folder, self.timeout)
        time.sleep(_STEP)

    def _ready(self) -> None:
        """See that the directory is a bare repository; make it if it is ours to make."""
        check_version()
        try:
            found = "a file" if self.folder.is_file() else ""
            found = found or ("a checkout" if (self.folder / ".git").exists() else "")
            found = found or ("another folder" if _filled(self.folder) else "")
            # last, for another process may make it in this moment, whole at once
            if (self.folder / "HEAD").is_file() and (self.folder / "objects").is_dir():
                return
        except OSError as error:
            raise self._unusable(error) from error
        if found or not self.own:
            raise DeployError(
                "is no bare Git repository",
                where=str(self.folder),
                found=found or "nothing",
                remedy="make one: `git init --bare`, or `git clone --bare` of a checkout",
            )
        try:
            self._make()
        except OSError as error:
            raise self._unusable(error) from error

    def _make(self) -> None:
        """Make the repository in a draft that becomes it once it is complete."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        draft = self.folder.with_name(f".partial-{self.folder.name}-{token_hex(8)}")
        try:
            ran = run_git(
                ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(draft)],
                environment=self._environment,
                timeout=self.timeout,
            )
            if ran.code != 0:
                raise self.fault(ran)
            try:
                draft.rename(self.folder)
            except OSError:
                if not (self.folder / "HEAD").is_file():  # else another process was quicker
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _unusable(self, error: OSError) -> DeployError:
        return DeployError(
            f"the deploy repository cannot be used: {error.strerror or error}",
            where=str(self.folder),
            remedy="mend access to the folder, then run again",
        )

    def _without_password(self, text: str) -> str:
        password = self.login.partition(":")[2]
        return text.replace(password, "***") if password else text

    @cached_property
    def _environment(self) -> dict[str, str]:
        settings = {}
        base = web_base(self.url)
        if self.login and base:
            basic = base64.b64encode(self.login.encode()).decode()
            settings[f"http.{base}/.extraHeader"] = f"Authorization: Basic {basic}"
        return git_environment(settings, self.author)


def open_place(settings: Settings, *, person: bool = False) -> Place:
    """Return where the deploy repository of an installation is; nothing is asked or made yet."""
    url, login = without_login(settings.deploy_url)
    folder = local_folder(url)
    token = settings.forge_token.get_secret_value()
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Place(
        folder=folder or settings.home.resolve() / "deploy-cache" / f"{name}.git",
        url=str(folder or url),
        own=folder is None or not settings.deploy_repository,
        cache=folder is None,
        forge=settings.forge == "gitea",
        timeout=settings.timeout,
        person=person,
        login=f"millrace:{token}" if token else login,
    )


_QUIET = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")


def _push(url: str, moves: Sequence[Move]) -> list[str]:
    leases = [f"--force-with-lease={move.ref}:{move.old or ''}" for move in moves]
    specs = [f"{move.new or ''}:{move.ref}" for move in moves]
    return ["push", "--porcelain", "--atomic", "--no-verify", *leases, url, *specs]


def _filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())
