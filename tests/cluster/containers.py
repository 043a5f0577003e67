"""Real images and containers, as a cluster would run them: no rights, and a root nobody writes."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE = 120.0
BOUND = [
    *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--tmpfs=/tmp", "--network=bridge"),
]
"""What Pod Security `restricted` and a pod's `emptyDir` at /tmp amount to."""


def docker(*words: str) -> str:
    """Run a docker command and return what it prints."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def succeeds(command: list[str]) -> bool:
    """Return whether a command ends without a fault."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def require_docker() -> None:
    """Skip the test where there is no docker; in CI that is a failure."""
    if shutil.which("docker") and succeeds(["docker", "version"]):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("no docker answers, and CI skips nothing")
    pytest.skip("no docker answers")


def build(*roles: str, folder: Path = ROOT, registry: str = "") -> list[str]:
    """Build images with the project's command and return their names."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.images", *roles],
        cwd=folder,
        env={**os.environ, "MILLRACE_REGISTRY": registry, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line.split()[0] for line in done.stdout.splitlines()]


def layers(image: str) -> list[str]:
    """Return the digests of an image's layers, the lowest first."""
    told: list[str] = json.loads(docker("image", "inspect", image))[0]["RootFS"]["Layers"]
    return told


@dataclass(frozen=True)
class Container:
    """A container that runs."""

    name: str

    def port(self, inside: int) -> int:
        """Return the port of the machine that leads to a port of the container."""
        return int(docker("port", self.name, f"{inside}/tcp").splitlines()[0].rpartition(":")[2])

    @property
    def state(self) -> dict[str, Any]:
        """Return its state, as docker tells it."""
        told: dict[str, Any] = json.loads(docker("inspect", self.name))[0]["State"]
        return told

    def answers(self, port: int, path: str) -> bool:
        """Return whether it answers with a 200; it must still run."""
        assert self.state["Running"], self.log
        try:
            url = f"http://127.0.0.1:{self.port(port)}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def sh(self, script: str) -> str:
        """Run a shell script in it."""
        return docker("exec", self.name, "sh", "-ec", script)

    def python(self, script: str) -> str:
        """Run a Python script in it."""
        return docker("exec", self.name, "python", "-c", script)

    @property
    def log(self) -> str:
        """Return all that it printed."""
        both = ["docker", "logs", self.name]
        return subprocess.run(both, stdout=-1, stderr=-2, text=True, check=True).stdout

    @property
    def age(self) -> float:
        """Return the seconds since its process was started."""
        started = self.state["StartedAt"]
        return time.time() - datetime.fromisoformat(started[:26] + "+00:00").timestamp()


@contextmanager
def container(image: str, *arguments: str, options: tuple[str, ...] = ()) -> Iterator[Container]:
    """Run a container while it is needed, every port that it declares on loopback."""
    more: list[Any] = [*BOUND, *options, "--publish-all"]
    running = Container(docker("run", "--detach", *more, image, *arguments))
    try:
        yield running
    finally:
        docker("rm", "--force", "--volumes", running.name)
