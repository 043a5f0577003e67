"""Run one step's command: hear what it says, keep the rest in a log, leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from millrace.progress import heard
from millrace.runs.limits import PARENT

GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative for a signal) and its peak memory in bytes."""

    code: int
    peak_bytes: int


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: IO[str],
    hear: Callable[[dict[str, Any]], None],
) -> Ended:
    """Run a command to its end.

    It has a session of its own, so that Ctrl-C reaches this process alone, which then ends the
    whole group; a command whose parent is killed ends by itself (see `millrace.runs.limits`).

    Args:
        command: program and arguments.
        environment: variables beside this process's own.
        log: where lines go that are no events.
        hear: takes each event that the command says.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        bufsize=1,
        start_new_session=True,
        env={**os.environ, **environment, PARENT: str(os.getpid())},
    )
    try:
        if process.stdout is None:
            raise OSError("the command has no output")
        for line in process.stdout:
            event = heard(line)
            if event is None:
                log.write(line)
            else:
                hear(event)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(process.returncode, usage.ru_maxrss * 1024)
    finally:
        _end(process)
        log.flush()


def _end(process: subprocess.Popen[str]) -> None:
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(GRACE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
