"""`millrace` commands as a person would type them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from millrace.errors import MillraceError

PATIENCE = 20.0
"""Seconds in which commands that are asked to end do so."""


class Command:
    """A command that runs, in a session of its own: of Ctrl-C only the demonstration hears."""

    def __init__(self, words: tuple[str, ...], environment: dict[str, str]) -> None:
        """Start it."""
        self._complaints = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - goes with it
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("millrace")), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            start_new_session=True,
        )

    def lines(self) -> Iterator[str]:
        """Return what it prints, a line when it comes.

        Raises:
            MillraceError: it failed.
        """
        assert self._process.stdout is not None
        yield from (line.rstrip() for line in self._process.stdout)
        self.result()

    def result(self) -> str:
        """Wait for its end and return what it printed.

        Raises:
            MillraceError: it failed.
        """
        said, _ = self._process.communicate()
        if self._process.returncode != 0:
            self._complaints.seek(0)
            told = self._complaints.read().strip().removeprefix("millrace: ")
            raise MillraceError(told or f"it ended with code {self._process.returncode}")
        return said

    def stop(self) -> None:
        """Ask it to come to its end, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)


@dataclass(frozen=True)
class Millrace:
    """The `millrace` command on one home.

    Attributes:
        home: the home.
        port: port of its gateway.
    """

    home: Path
    port: int

    def start(self, *words: str) -> Command:
        """Start a command."""
        place = {"MILLRACE_HOME": str(self.home), "MILLRACE_GATEWAY_PORT": str(self.port)}
        return Command(words, os.environ | place)

    def do(self, *words: str) -> None:
        """Run a command to its end.

        Raises:
            MillraceError: it failed.
        """
        self.start(*words).result()


def end_commands() -> None:
    """End every command that still runs in order, and by force what does not obey."""
    ours = psutil.Process()
    everything = ours.children(recursive=True)
    for command in ours.children():
        with suppress(psutil.NoSuchProcess):
            command.terminate()
    _, left = psutil.wait_procs(everything, PATIENCE)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
