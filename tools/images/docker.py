"""The docker command, with its classic builder or with BuildKit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from millrace.errors import MillraceError
from tools.images.roles import FOLDER

LOGS = Path("build/logs")
PATIENCE = 20.0
"""Seconds in which a daemon that works has answered."""
_STEP = re.compile(r"^(?:Step \d+/\d+ : |#\d+ \[)(.*)")
"""How the classic builder, or BuildKit, begins a step."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WRAPPER = re.compile(r"The command .* returned a non-zero code|ERROR: |-{3,}|> |\d+ \||\S+:\d+$")
"""Lines that follow the one that says what went wrong."""


def require_docker() -> None:
    """Return if images can be built.

    Raises:
        MillraceError: there is no docker, or its daemon does not answer.
    """
    if shutil.which("docker") is None:
        raise MillraceError(
            "docker is not installed",
            remedy="install it; on Debian: apt-get install docker.io",
        )
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise _silent(f"no answer in {PATIENCE:g} s") from None
    if asked.returncode != 0:
        raise _silent(asked.stderr.strip().rpartition("\n")[2])


def built(role: str, name: str) -> Iterator[str]:
    """Build a role's image, and return each step when it begins.

    Raises:
        MillraceError: the build failed; it names the log.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"image-{role}.log"
    log.unlink(missing_ok=True)
    for command in _commands(role, name):
        yield from _steps(command, role, log)


def _steps(command: list[str], role: str, log: Path) -> Iterator[str]:
    last = ""
    with (
        log.open("a", buffering=1, encoding="utf-8") as kept,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "BUILDKIT_PROGRESS": "plain"},
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            kept.write(line)
            if (told := _COLOUR.sub("", line).strip()) and not _WRAPPER.match(told):
                last = told
            if step := _STEP.match(line):
                yield step[1]
    if process.returncode != 0:
        raise MillraceError(
            "the image was not built", where=role, found=last, remedy=f"all of it is in {log}"
        )


def size_of(name: str) -> int:
    """Return the unpacked size of an image in bytes."""
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", name]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _commands(role: str, name: str) -> Iterator[list[str]]:
    """Return what builds the stage of packages, so that it is kept under a name, and the image."""
    dockerfile = FOLDER / role / "Dockerfile"
    repository, _, version = name.rpartition(":")
    if " AS packages" in dockerfile.read_text(encoding="utf-8"):
        kept = f"{repository}-packages:{version}"
        yield [
            *("docker", "build", "--force-rm", "--target", "packages", "--tag", kept),
            *("--file", str(dockerfile), "."),
        ]
    yield _command(role, name)


def _command(role: str, name: str) -> list[str]:
    dockerfile, commit = FOLDER / role / "Dockerfile", _commit()
    labels = {"version": name.rpartition(":")[2], "revision": commit}
    asks = "ARG COMMIT" in dockerfile.read_text(encoding="utf-8")
    return [
        *("docker", "build", "--force-rm", "--tag", name, "--file", str(dockerfile)),
        *(f"--label=org.opencontainers.image.{key}={value}" for key, value in labels.items()),
        *([f"--build-arg=COMMIT={commit}"] if asks else []),
        ".",
    ]


def _commit() -> str:
    """Return the commit that is built; empty outside a repository."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def _silent(said: str) -> MillraceError:
    return MillraceError(
        "the docker daemon does not answer",
        where=os.environ.get("DOCKER_HOST", "docker"),
        found=said,
        remedy="start it (systemctl start docker), or set DOCKER_HOST to one that runs",
    )
