"""What the demonstration works on: a copy of the churn workload, and a home of its own."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from millrace.errors import MillraceError
from tools.demo.commands import Millrace

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
LATENCY = {"latency": "20ms"}
"""The gate for one row, wide enough for a machine that trains, serves and plays the users too."""


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
    def millrace(self) -> Millrace:
        """Return the command on this home."""
        return Millrace(self.home, self.port)

    def know(self, share: float) -> int:
        """Give the workload the first rows of the real table, and return how many these are."""
        header, *rows = (SOURCE / "data/telco.csv").read_text(encoding="utf-8").splitlines(True)
        known = rows[: round(len(rows) * share)]
        file = self.workload / "data/telco.csv"
        file.write_text("".join([header, *known]), encoding="utf-8")
        return len(known)

    def declare(self, **training: Any) -> None:
        """Write workload.yaml as it is here, and with what changes in its training."""
        declared = yaml.safe_load((SOURCE / "workload.yaml").read_text(encoding="utf-8"))
        spec = declared["spec"]
        spec["rollout"] = ROLLOUT
        spec["gates"] = [LATENCY if "latency" in gate else gate for gate in spec["gates"]]
        spec["training"]["parameters"] |= training.pop("parameters", {})
        spec["training"] |= training
        text = yaml.safe_dump(declared, sort_keys=False, allow_unicode=True)
        (self.workload / "workload.yaml").write_text(text, encoding="utf-8")

    def revise(self, before: str, after: str) -> None:
        """Change a piece of the torch module.

        Raises:
            MillraceError: the module does not have it.
        """
        file = self.workload / "model.py"
        text = file.read_text(encoding="utf-8")
        if before not in text:
            raise MillraceError(
                "does not have what the story changes", where=str(file), expected=before
            )
        file.write_text(text.replace(before, after), encoding="utf-8")


def fresh_scene() -> Scene:
    """Return a scene in which nothing has happened yet.

    Raises:
        MillraceError: no port is free, or what an earlier demonstration left does not end.
    """
    scene = Scene(FOLDER / NAME, FOLDER / "home", _free_port())
    if scene.home.exists():
        scene.millrace.do("down")  # a demonstration that was killed may have left its platform
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
    raise MillraceError(f"no port from {wanted[0]} to {wanted[-1]} is free")
