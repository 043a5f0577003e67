"""Processes of the platform: none outlives it for long, and what is left is found and ended."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from millrace.errors import ServingError
from serving.local.backoff import LONGEST, Backoff
from serving.local.children import Book, Child, Identity
from serving.local.rotate import rotate

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    *(sys.executable, "-c"),
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('deaf', flush=True); time.sleep(60)",
]


def wait_for(condition: object, deadline: float = 10.0) -> None:
    assert callable(condition)
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_childs_output_goes_to_its_log_and_its_end_is_known(tmp_path: Path) -> None:
    async def test() -> int:
        child = await Child.start(
            [sys.executable, "-c", "print('hello'); raise SystemExit(3)"],
            log=tmp_path / "logs" / "child.log",
            book=Book(tmp_path / "book.json"),
        )
        return await child.wait()

    assert asyncio.run(test()) == 3
    assert (tmp_path / "logs" / "child.log").read_text() == "hello\n"


def test_a_child_that_ignores_the_request_to_end_is_ended_with_all_it_started(
    tmp_path: Path,
) -> None:
    log = tmp_path / "child.log"

    async def test() -> list[int]:
        child = await Child.start(STUBBORN, log=log, book=Book(tmp_path / "book.json"))
        await asyncio.to_thread(wait_for, lambda: "deaf" in log.read_text())
        family = [child.pid, *(one.pid for one in psutil.Process(child.pid).children())]
        await child.end(0.2)
        return family

    family = asyncio.run(test())
    assert len(family) == 2
    for pid in family:
        wait_for(lambda pid=pid: gone(pid))


def test_children_end_when_the_platform_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from serving.local.children import Book, Child
async def main():
    folder = Path({str(tmp_path)!r})
    child = await Child.start({SLEEP!r}, log=folder / "log", book=Book(folder / "book"))
    print(child.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    platform = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert platform.stdout is not None
    pid = int(platform.stdout.readline())
    assert not gone(pid)
    platform.send_signal(signal.SIGKILL)
    platform.communicate()
    wait_for(lambda: gone(pid))


def test_a_program_that_is_not_there_ends_at_once(tmp_path: Path) -> None:
    async def test() -> int:
        child = await Child.start(
            ["/nowhere/at/all"], log=tmp_path / "log", book=Book(tmp_path / "book")
        )
        return await child.wait()

    assert asyncio.run(test()) != 0


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")

    async def test() -> None:
        await Child.start(SLEEP, log=tmp_path / "logs" / "x.log", book=Book(tmp_path / "book"))

    with pytest.raises(ServingError, match="cannot be started"):
        asyncio.run(test())


def left_over(book: Path, *, started: float | None = None, command: list[str] | None = None) -> int:
    """Start a process that a platform has entered into its book before it was killed."""
    process = subprocess.Popen(SLEEP, start_new_session=True)
    at = psutil.Process(process.pid).create_time() if started is None else started
    Book(book).enter(Identity(pid=process.pid, started=at, command=command or SLEEP))
    return process.pid


def test_what_a_killed_platform_left_is_ended(tmp_path: Path) -> None:
    pid = left_over(tmp_path / "book")
    wait_for(lambda: psutil.Process(pid).cmdline() == SLEEP)
    assert [one.pid for one in Book(tmp_path / "book").end_leftovers()] == [pid]
    wait_for(lambda: gone(pid))
    assert Book(tmp_path / "book").end_leftovers() == []


@pytest.mark.parametrize(
    "differing", [{"started": 1.0}, {"command": ["python", "-m", "other"]}], ids=str
)
def test_another_process_with_the_same_number_is_left_alone(
    tmp_path: Path, differing: dict[str, object]
) -> None:
    pid = left_over(tmp_path / "book", **differing)  # type: ignore[arg-type]
    assert Book(tmp_path / "book").end_leftovers() == []
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_torn_book_leaves_everything_alone(tmp_path: Path) -> None:
    (tmp_path / "book").write_text('{"processes": [{"pid"')
    assert Book(tmp_path / "book").end_leftovers() == []


def test_waits_double_up_to_a_bound_and_the_first_try_is_immediate() -> None:
    backoff = Backoff()
    backoff.begin()
    waits = [backoff.failed() for _ in range(12)]
    assert waits[:4] == [0.0, 0.25, 0.5, 1.0]
    assert waits[-1] == LONGEST


def test_a_long_log_begins_anew_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        rotate(tmp_path, longest=50)
        writer.write(b"y")
        rotate(tmp_path, longest=50)
    assert log.read_bytes() == b"y"
    assert (tmp_path / "a.log.1").read_bytes() == b"x" * 100
