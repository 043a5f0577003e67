"""Real processes race for the deploy repository, and are killed in the middle."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from millrace.deploy import open_forge, open_repository
from millrace.errors import ConflictError
from millrace.settings import Settings

BRANCHES = [f"millrace/w/{index}/release" for index in range(4)]
PROPOSE = """
import sys
from pathlib import Path
from millrace.deploy import open_forge, open_repository
from millrace.settings import Settings

settings = Settings(home=Path(sys.argv[1]))
parent = sys.argv[2]
for branch in sys.argv[3:]:
    there = open_forge(settings).propose(
        branch, parent, {f"w/{branch[-9]}": b"1"}, title=branch, body="evidence"
    )
    print(branch, there.number, flush=True)
"""
MERGE = """
import sys
from pathlib import Path
from millrace.deploy import open_forge
from millrace.errors import ConflictError
from millrace.settings import Settings

forge = open_forge(Settings(home=Path(sys.argv[1])))
for number in sys.argv[2:]:
    try:
        print(number, forge.merge(int(number)), flush=True)
    except ConflictError:
        print(number, "conflict", flush=True)
"""


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True
    )


def outputs(processes: list[subprocess.Popen[str]]) -> list[list[list[str]]]:
    told = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [[line.split() for line in text.splitlines()] for text in told]


def test_two_processes_that_propose_the_same_get_the_same(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    head = open_repository(settings).head()
    orders = (BRANCHES, BRANCHES[::-1])
    first, second = outputs([started(PROPOSE, str(tmp_path), head, *order) for order in orders])
    assert dict(map(tuple, first)) == dict(map(tuple, second))
    assert sorted(number for _, number in first) == ["1", "2", "3", "4"]
    assert len(open_forge(settings).pull_requests()) == 4


def test_two_processes_that_merge_the_same_merge_it_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    repository, forge = open_repository(settings), open_forge(settings)
    head = repository.head()
    for branch in BRANCHES:
        forge.propose(branch, head, {f"w/{branch[-9]}": b"1"}, title=branch, body="")
    numbers = ["1", "2", "3", "4"]
    orders = (numbers, numbers[::-1])
    told = outputs([started(MERGE, str(tmp_path), *order) for order in orders])
    merged = {tuple(line) for lines in told for line in lines if line[1] != "conflict"}
    assert sorted(number for number, _ in merged) == numbers
    assert len(repository.history(repository.head(), "w")) == 4
    assert len(repository.files(repository.head(), "w")) == 4
    assert {one.state for one in forge.pull_requests(state="all")} == {"merged"}


def test_kills_leave_nothing_that_the_next_does_not_complete(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, timeout=2.0)
    repository = open_repository(settings)
    head = repository.head()
    chance = random.Random(7)
    for branch in BRANCHES:
        process = subprocess.Popen(
            [sys.executable, "-c", PROPOSE, str(tmp_path), head, branch],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        _kill_within(process, chance.uniform(0.3, 0.9))
    forge = open_forge(settings)
    there = [
        forge.propose(branch, head, {f"w/{branch[-9]}": b"1"}, title=branch, body="evidence")
        for branch in BRANCHES
    ]
    assert sorted(one.number for one in there) == [1, 2, 3, 4]
    for one in there:
        process = subprocess.Popen(
            [sys.executable, "-c", MERGE, str(tmp_path), str(one.number)],
            stdout=subprocess.DEVNULL,
        )
        _kill_within(process, chance.uniform(0.3, 0.9))
    for one in there:
        try:
            forge.merge(one.number)
        except ConflictError as error:
            assert "it is merged already" in str(error)
    assert len(repository.history(repository.head(), "w")) == 4
    assert {one.state for one in forge.pull_requests(state="all")} == {"merged"}


@pytest.mark.parametrize("what", ["HEAD", "main"])
def test_a_killed_server_side_leaves_locks_that_bar_nobody(tmp_path: Path, what: str) -> None:
    settings = Settings(home=tmp_path, timeout=1.0)
    repository = open_repository(settings)
    head = repository.head()
    name = {"HEAD": "HEAD.lock", "main": "refs/heads/main.lock"}[what]
    lock = tmp_path / "deploy.git" / name
    lock.touch()
    os.utime(lock, (time.time() - 60,) * 2)
    moved = repository.commit(head, {"a": b"1"}, "A")
    assert repository.head() == moved


def _kill_within(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Kill a process with signal 9 after a while, if it still runs."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
