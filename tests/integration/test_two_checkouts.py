"""The same snapshot, code, seed, environment and threads give the same model, wherever they lie."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("checkouts")]

PACKAGES = ("millrace", "components", "pipelines", "serving", "cli")


def checkout(folder: Path) -> Path:
    """Copy the project's packages and the churn workload, as a clone of them would be."""
    for package in (*PACKAGES, "workloads/churn"):
        shutil.copytree(package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def retrained(folder: Path, source: str) -> dict[str, Any]:
    (folder / "workloads/churn/data/telco.csv").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "run", "workloads/churn", "--json"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "MILLRACE_HOME": str(folder / "home of its own"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["places"]["summary"].startswith(str(folder))
    summary: dict[str, Any] = json.loads(Path(told["places"]["summary"]).read_text())
    return summary


def test_two_checkouts_and_two_orders_of_the_rows_give_the_same_model(tmp_path: Path) -> None:
    source = Path("workloads/churn/data/telco.csv").read_text()
    header, *rows = source.splitlines(keepends=True)
    folders = [checkout(tmp_path / name) for name in ("one", "a longer name")]
    one = retrained(folders[0], source)
    other = retrained(folders[1], header + "".join(reversed(rows)))
    for part, name in (
        ("snapshot.manifest", "digest"),
        ("dataset", "digest"),
        ("exported", "model"),
    ):
        first, second = one, other
        for step in part.split("."):
            first, second = first[step], second[step]
        assert first[name] == second[name], part
    assert one["code_revision"] == other["code_revision"]
    assert one["evaluation"]["models"] == other["evaluation"]["models"]
