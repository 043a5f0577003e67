"""A laptop to run the real command on: a home of its own, and workloads in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MILLRACE = str(Path(sys.executable).with_name("millrace"))


@dataclass(frozen=True)
class Laptop:
    """A folder to work in, and the platform's home within it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / ".millrace"

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
        return {**kept, "COLUMNS": "160", "NO_COLOR": "1"}

    def millrace(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [MILLRACE, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, workload: str, *arguments: str, green: bool = True) -> dict[str, Any]:
        """Run a workload's pipeline and return what it says as JSON."""
        done = self.millrace("run", workload, *arguments, "--json")
        assert (done.returncode == 0) == green, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def workload(self, name: str) -> Path:
        """Return the folder of a workload."""
        return self.folder / "workloads" / name

    def edit(self, file: Path, change: Callable[[str], str]) -> None:
        """Change a file's text; it must become another."""
        before = file.read_text()
        after = change(before)
        assert before != after
        file.write_text(after)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    """Return a laptop with a small workload of its own, as `millrace init` writes it."""
    made = Laptop(tmp_path)
    done = made.millrace("init", "machines")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def churn_laptop(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """Return a laptop with the churn workload."""
    made = Laptop(tmp_path_factory.mktemp("laptop"))
    shutil.copytree("workloads/churn", made.workload("churn"))
    return made
