"""What the demonstration works on: a copy of the churn workload, and a home of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import yaml

from millrace.errors import MillraceError

FOLDER = Path("build/demo")
SOURCE = Path("workloads/churn")
NAME = "churn"
ROLLOUT: dict[str, Any] = {
    "steps": [{"setWeight": 5}, {"setWeight": 25}, {"setWeight": 50}],
    "analysis": {
        "alpha": 0.05,
        "tolerance": {"errors": 0.01, "slow": 0.02, "scores": 0.1},
        "interval": "2s",
        "minSamples": 40,
        "maxDuration": "10m",
    },
    "policy": {"advance": "auto", "promote": "review", "rollback": "auto"},
}
"""The declared way of a canary, only quicker: seconds stand for the hours of a real one."""


@dataclass(frozen=True)
class Scene:
    """Where the demonstration happens.

    Attributes:
        workload: folder of the workload.
        home: the platform's home.
        port: port of the gateway.
    """

    workload: Path
    home: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of every command."""
        return {
            **os.environ,
            "MILLRACE_HOME": str(self.home),
            "MILLRACE_GATEWAY_PORT": str(self.port),
        }

    def millrace(self, *arguments: str) -> list[str]:
        """Return a `millrace` command line."""
        return [str(Path(sys.executable).with_name("millrace")), *arguments]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `millrace` command to its end and return what it printed."""
        return subprocess.run(
            self.millrace(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def lines(self, *arguments: str) -> Iterator[str]:
        """Run a `millrace` command and return what it prints, a line when it comes.

        Raises:
            MillraceError: it failed.
        """
        with (
            TemporaryFile("w+", encoding="utf-8") as complaints,
            subprocess.Popen(
                self.millrace(*arguments),
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None
            try:
                yield from (line.rstrip() for line in process.stdout)
            except BaseException:  # nobody listens any more
                process.terminate()
                raise
            if process.wait() != 0:
                complaints.seek(0)
                raise MillraceError(complaints.read().strip(), where="demo")

    def know(self, share: float) -> int:
        """Give the workload the first rows of the real table, and return how many these are."""
        header, *rows = (SOURCE / "data/telco.csv").read_text(encoding="utf-8").splitlines(True)
        known = rows[: round(len(rows) * share)]
        file = self.workload / "data/telco.csv"
        file.write_text("".join([header, *known]), encoding="utf-8")
        return len(known)

    def declare(self, **training: Any) -> None:
        """Write workload.yaml with the quick rollout, and what changes in its training."""
        declared = yaml.safe_load((SOURCE / "workload.yaml").read_text(encoding="utf-8"))
        spec = declared["spec"]
        spec["rollout"] = ROLLOUT
        spec["training"]["parameters"] |= training.pop("parameters", {})
        spec["training"] |= training
        text = yaml.safe_dump(declared, sort_keys=False, allow_unicode=True)
        (self.workload / "workload.yaml").write_text(text, encoding="utf-8")


def fresh_scene() -> Scene:
    """Return a scene in which nothing has happened yet."""
    scene = Scene(FOLDER / NAME, FOLDER / "home", _free_port())
    if scene.home.exists():
        scene.call("down")  # a demonstration that was killed may have left its platform
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(SOURCE, scene.workload, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return scene


def _free_port(wanted: Sequence[int] = range(8080, 8090)) -> int:
    for port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    sys.exit("demo: no port from 8080 to 8089 is free")
