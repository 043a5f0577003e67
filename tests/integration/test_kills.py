"""A run that is killed, in any step, loses nothing: the next one goes on and ends the same."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import MILLRACE, Laptop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills")]

STEPS = [
    *("ingest", "validate", "champion", "materialize", "assemble", "train", "export"),
    *("evaluate", "gate", "register", "summarize"),
]


@contextlib.contextmanager
def started(laptop: Laptop) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [MILLRACE, "run", "machines"],
        cwd=laptop.folder,
        env=laptop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def process_of(step: str, parent: int, deadline: float = 120) -> psutil.Process:
    """Return the process of a step, once its record says that it is at work."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(parent).children(recursive=True):
                command = child.cmdline()
                if command[-1:] == [step] and "python" in Path(command[0]).name:
                    return child
        time.sleep(0.01)
    raise AssertionError(f"{step} did not start within {deadline} s")


def has_begun(laptop: Laptop, step: str, since: float) -> bool:
    records = laptop.store.glob(f"r*/*/**/{step}.json")
    return any(record.stat().st_mtime > since for record in records)


def kill_in_the_middle(laptop: Laptop, step: str) -> str:
    """Start a run, kill a step once it has begun its work, and return what the user sees.

    The step runs in slices of a few milliseconds, so that a short one does not slip through.
    """
    since = time.time()
    with started(laptop) as run:
        victim = process_of(step, run.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.suspend()
            while not has_begun(laptop, step, since):
                victim.resume()
                time.sleep(0.002)
                victim.suspend()
            victim.kill()
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 1, output
    return output


def remains(laptop: Laptop) -> list[str]:
    """Return the command lines of processes that still work for the laptop."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("MILLRACE_HOME") == str(laptop.home):
                found.append(" ".join(process.cmdline())[:200])
    return found


def test_a_kill_in_each_step_and_then_a_run_ends_as_if_there_had_been_none(
    tmp_path: Path,
) -> None:
    calm, rough = Laptop(tmp_path / "calm"), Laptop(tmp_path / "rough")
    calm.folder.mkdir()
    calm.millrace("init", "machines")
    shutil.copytree(calm.folder, rough.folder)
    for step in STEPS:
        output = kill_in_the_middle(rough, step)
        assert "Traceback" not in output
        assert f"{step}: the step was killed by signal 9" in output, output
    after, before = rough.run("machines"), calm.run("machines")
    assert after["outcome"] in ("registered", "unchanged")
    assert after["registration"]["version"] == 1
    assert after["metrics"] == before["metrics"]
    (one,), (other,) = (
        json.loads(laptop.millrace("candidates", "--json").stdout) for laptop in (rough, calm)
    )
    assert one["model"] == other["model"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process_behind(
    laptop: Laptop, number: signal.Signals
) -> None:
    with started(laptop) as run:
        process_of("train", run.pid)
        os.kill(run.pid, number)
        output, _ = run.communicate(timeout=60)
        end = time.monotonic() + 30
        while remains(laptop) and time.monotonic() < end:
            time.sleep(0.05)
        assert remains(laptop) == []
    if number != signal.SIGKILL:
        assert run.returncode == 130
        assert "interrupted" in output
        assert "Traceback" not in output
    assert laptop.run("machines")["outcome"] == "registered"
