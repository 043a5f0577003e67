"""A folder with a kind-config.yaml, and programs that stand for docker, kind, kubectl and helm."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
INSIDE = (30080, 30030, 30050, 30070, 30079)


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Machine:
    """What `make kind-up` finds; `asked` is what its programs were asked, in order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "helm/millrace").mkdir(parents=True)
        shutil.copy(ROOT / "helm/millrace/values-kind.yaml", folder / "helm/millrace")
        shutil.copy(ROOT / "pyproject.toml", folder)
        self.ports = {inside: free_port() for inside in INSIDE}
        self.config = folder / "kind-config.yaml"
        mappings = "".join(
            f'      - {{containerPort: {inside}, hostPort: {port}, listenAddress: "127.0.0.1"}}\n'
            for inside, port in self.ports.items()
        )
        self.config.write_text(f"nodes:\n  - extraPortMappings:\n{mappings}")
        for program in ("docker", "kind", "kubectl", "helm"):
            self.write(program)

    def write(self, program: str, does: str = "") -> None:
        """Write what stands for a program; `does` is what it runs."""
        file = self.folder / "bin" / program
        told = f'echo "{program} $*" >> {self.folder}/asked\n'
        file.write_text(f"#!/bin/sh\n{told}{does}\n")
        file.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
        path = f"{self.folder / 'bin'}:/bin"
        return {**kept, "PATH": path, "PYTHONPATH": str(ROOT)}

    def python(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run Python here."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
