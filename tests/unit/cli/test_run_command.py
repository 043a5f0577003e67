"""A run that fails says why in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.scaffold import scaffold


@pytest.fixture
def failed(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    scaffold("failures", tmp_path / "workloads" / "failures")
    (tmp_path / "workloads" / "failures" / "data" / "machines.csv").unlink()
    return subprocess.run(
        [str(Path(sys.executable).with_name("millrace")), "run", "failures"],
        cwd=tmp_path,
        env={**os.environ, "MILLRACE_HOME": str(tmp_path / "home"), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_red_run_ends_in_one_line_with_its_fault_and_its_log(
    failed: subprocess.CompletedProcess[str],
) -> None:
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("millrace: ")
    assert "machines.csv: " in line
    assert Path(line.partition("; the log is ")[2]).is_file()
    assert "? ingest" in failed.stdout
