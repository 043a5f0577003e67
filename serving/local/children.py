"""The platform's processes: started, ended, and found again after the platform was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from millrace.documents import Document
from millrace.errors import MillraceError, ServingError, StoreError
from serving.local import tether

CLOCK_TOLERANCE = 2.0
"""Seconds by which the start time of one process may differ when it is read again."""


class Identity(Document):
    """What tells one process from all others, also after its number was given away again."""

    pid: int
    started: float
    """Unix time of its start, as the kernel says, seconds."""
    command: list[str]


class _Identities(Document):
    processes: list[Identity] = []


class Book:
    """Which processes are ours, in a file, so that the next platform can end what is left."""

    def __init__(self, file: Path) -> None:
        """Take the file, rewritten whenever a process starts or ends."""
        self._file = file
        self._known: dict[int, Identity] = {}

    def enter(self, identity: Identity) -> None:
        """Note a process that was started."""
        self._known[identity.pid] = identity
        self._write()

    def strike(self, pid: int) -> None:
        """Forget a process that has ended."""
        if self._known.pop(pid, None) is not None:
            self._write()

    def end_leftovers(self) -> list[Identity]:
        """End what an earlier platform has left, and return it."""
        left = [one for one in self._read() if _process(one) is not None]
        for one in left:
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
        psutil.wait_procs([found for one in left if (found := _process(one))], timeout=5)
        self._write()
        return left

    def _read(self) -> list[Identity]:
        try:
            return _Identities.read(self._file).processes
        except MillraceError:  # none yet, or half of a disk: nothing that could be trusted
            return []

    def _write(self) -> None:
        with suppress(StoreError):  # without it the kernel still ends them with the platform
            _Identities(processes=list(self._known.values())).write(self._file)


def _process(identity: Identity) -> psutil.Process | None:
    """Return the process if it is still the one that was started."""
    try:
        found = psutil.Process(identity.pid)
        same = abs(found.create_time() - identity.started) < CLOCK_TOLERANCE
        arguments = identity.command[1:]  # the program itself may be named by another path
        ours = found.cmdline()[-len(arguments) :] == arguments
        return found if same and ours and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


class Child:
    """One running process with a session and a log of its own; it ends when the platform does."""

    def __init__(self, process: asyncio.subprocess.Process, identity: Identity, book: Book) -> None:
        self._process = process
        self._book = book
        self.identity = identity

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        log: Path,
        book: Book,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Child:
        """Start a program.

        The event loop must run in the thread that lives as long as the platform: the kernel ends
        the child when that thread ends.

        Args:
            command: program and arguments.
            log: file that its output is appended to.
            book: where it is entered.
            environment: variables beside the platform's own.
            folder: its working folder; by default the platform's.

        Raises:
            ServingError: it cannot be started.
        """
        tied = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command]
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *tied,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **(environment or {})},
                    cwd=folder,
                )
        except OSError as error:
            raise ServingError(
                f"cannot be started: {error.strerror or error}", where=command[0]
            ) from error
        try:
            started = psutil.Process(process.pid).create_time()
        except psutil.Error:  # ended already
            started = 0.0
        identity = Identity(pid=process.pid, started=started, command=list(command))
        book.enter(identity)
        return cls(process, identity, book)

    @property
    def pid(self) -> int:
        """Return its number."""
        return self.identity.pid

    @property
    def alive(self) -> bool:
        """Return whether it has not ended yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return its exit code when it has ended; the negative of a signal's number."""
        code = await self._process.wait()
        self._book.strike(self.pid)
        return code

    async def end(self, grace: float) -> None:
        """Ask it to end; after `grace` seconds, end it and all that it has started."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        self.kill()  # what it may have left behind in its session
        self._book.strike(self.pid)

    def kill(self) -> None:
        """End it and all that it has started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
