"""The demonstration as `make demo` runs it, whole and interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.integration.predictors import wait_for

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MINUTES = 8
"""The longest that it may take on two cores that do nothing else."""


@dataclass
class Demo:
    """A demonstration in a folder of its own, and all processes that came of it."""

    folder: Path
    mark: str
    process: subprocess.Popen[bytes]

    @property
    def told(self) -> str:
        return (self.folder / "told.txt").read_text()

    def processes(self) -> list[psutil.Process]:
        """Return what runs by its environment, wherever it was started and by whom."""
        return [one for one in psutil.process_iter() if self._is_ours(one)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("DEMO_OF_A_TEST") == self.mark
        except psutil.Error:  # it is gone, or somebody else's
            return False


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    shutil.copytree(ROOT / "workloads/churn", tmp_path / "workloads/churn")
    mark = uuid4().hex
    with (tmp_path / "told.txt").open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.demo"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                "DEMO_OF_A_TEST": mark,
            },
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    made = Demo(tmp_path, mark, process)
    try:
        yield made
    finally:
        for one in made.processes():
            one.kill()
        process.wait(10)


@pytest.mark.alone
def test_the_whole_story_comes_about_and_nothing_stays(demo: Demo) -> None:
    try:
        code = demo.process.wait(60 * MINUTES)
    except subprocess.TimeoutExpired:
        pytest.fail(f"it is not over after {MINUTES} minutes: {demo.told}")
    told = demo.told
    assert code == 0, told
    for line in (
        "merged: Release churn v1",
        "merged: Promote churn v2",
        "churn-v1 is gone",
        "split: churn-v2 75 %, churn-v3 25 %",
        "roll back: ",
        "merged: Roll back churn v3",
        "churn-v3 is gone",
        "$ millrace down",
    ):
        assert line in told, f"{line!r} was not told: {told}"
        told = told.partition(line)[2]
    assert demo.processes() == []
    lists = demo.told.partition("requests for lists of 400 customers, 0 lost")[2]
    errors = {
        arm: int(n.replace(",", "")) for arm, n in re.findall(r"(v\d): .* ([\d,]+) err", lists)
    }
    assert errors["v3"] > 0, "the bad candidate errs under load"
    assert errors["v2"] == 0, "the stable arm does not"


@pytest.mark.xdist_group("platform")
@pytest.mark.timeout(600)
def test_ctrl_c_in_the_middle_leaves_no_process(demo: Demo) -> None:
    """It comes while the platform serves, users ask, and the second candidate is trained."""

    def in_the_middle() -> bool:
        assert demo.process.poll() is None, demo.told
        return demo.told.count("$ millrace run") == 2 and len(demo.processes()) > 6

    wait_for(in_the_middle, "the second candidate is trained", 400)
    demo.process.send_signal(signal.SIGINT)
    demo.process.send_signal(signal.SIGINT)  # nobody is patient
    assert demo.process.wait(90) == 130, demo.told
    assert "demo: interrupted" in demo.told
    assert demo.processes() == []
