"""Run the `git` program: nobody's configuration, nothing asked, an end in any case."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from millrace.errors import DeployError

OLDEST = (2, 39)
"""The first version that this is tested with."""
_KEPT = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_EXEC_PATH")
_INSTALL = "install git 2.39 or newer"


@dataclass(frozen=True)
class Ran:
    """How one git command ended."""

    code: int
    out: bytes
    err: str
    timed_out: bool = False


def run_git(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,
    content: bytes = b"",
) -> Ran:
    """Run one git command to its end, or end it with all it started once it takes too long.

    Args:
        arguments: what follows `git`.
        environment: the whole environment.
        timeout: seconds.
        content: its standard input.

    Raises:
        DeployError: there is no git program.
    """
    try:
        child = subprocess.Popen(
            ["git", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise DeployError(
            f"the git program cannot be run: {error.strerror or error}", remedy=_INSTALL
        ) from error
    try:
        out, err = child.communicate(content, timeout)
    except subprocess.TimeoutExpired:
        _end(child)
        return Ran(-1, b"", "", timed_out=True)
    except BaseException:
        _end(child)
        raise
    return Ran(child.returncode, out, err.decode(errors="replace"))


def git_environment(settings: Mapping[str, str], author: tuple[str, str]) -> dict[str, str]:
    """Return an environment in which git reads no configuration but ours and asks nobody.

    Args:
        settings: configuration by its key; it stays out of the command line, which others see.
        author: name and mail address of who makes commits.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT}
    kept.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    pairs = {
        "core.hooksPath": os.devnull,
        "core.askPass": "",
        "credential.helper": "",
        "safe.directory": "*",
        "gc.auto": "0",
        "protocol.version": "2",
        **settings,
    }
    kept |= {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (key, value) in enumerate(pairs.items()):
        kept |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return (
        kept
        | authorship(*author)
        | {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_PAGER": "cat",
            "GIT_EDITOR": "false",
            "GIT_LITERAL_PATHSPECS": "1",
            "LC_ALL": "C.UTF-8",
            "LANGUAGE": "",
        }
    )


def authorship(name: str, mail: str) -> dict[str, str]:
    """Return the environment by which git knows who makes a commit."""
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", mail))
    }


@cache
def check_version() -> None:
    """See that git is there and new enough, once a process.

    Raises:
        DeployError: it is missing or too old.
    """
    ran = run_git(["version"], environment=os.environ, timeout=10.0)
    text = ran.out.decode(errors="replace").strip()
    numbers = re.search(r"(\d+)\.(\d+)", text)
    if not numbers or (int(numbers[1]), int(numbers[2])) < OLDEST:
        raise DeployError(
            "the git program is too old or no git", found=text or "no version", remedy=_INSTALL
        )


def configured_author(folder: Path) -> tuple[str, str] | None:
    """Return the name and mail address that Git's configuration gives the person here, if any."""
    found = []
    for key in ("user.name", "user.email"):
        where = ["-C", str(folder)] if folder.is_dir() else []
        ran = run_git([*where, "config", "--get", key], environment=os.environ, timeout=10.0)
        found.append(ran.out.decode(errors="replace").strip())
    return (found[0], found[1]) if all(found) else None


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
