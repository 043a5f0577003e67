"""`millrace up`: the platform without a cluster, in this terminal or detached from it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rich.markup import escape

from cli.console import console
from millrace.errors import MillraceError, ServingError
from millrace.files import made_folder
from millrace.settings import Settings, load_settings
from serving.local.instance import only_platform, running
from serving.local.lock import REMEDY
from serving.local.platform import Platform
from serving.local.state import read_state

START_SECONDS = 30.0
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, an orderly end from outside, a terminal that is closed."""


def up(port: int | None, *, detach: bool) -> None:
    """Run the platform until Ctrl-C, or start it and come back.

    Raises:
        MillraceError: a platform runs already, or it cannot be started.
    """
    settings = load_settings()
    if port is not None:
        settings = settings.model_copy(update={"gateway_port": port})
    if detach:
        _detach(settings)
        return
    with only_platform(settings):
        _say(f"home {escape(str(settings.home.resolve()))}; Ctrl-C ends the platform")
        asyncio.run(_run(settings))
        _say("the platform is down")


async def _run(settings: Settings) -> None:
    work = asyncio.ensure_future(Platform(settings, _tell).run())

    def stop() -> None:
        for number in _ENDS:
            loop.add_signal_handler(number, lambda: None)  # it ends already, in order
        work.cancel()
        _say("ending the platform")

    loop = asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await work


def _tell(event: str, line: str) -> None:
    mark = "[red]![/] " if event in _BAD else ""
    _say(f"[dim]{datetime.now():%H:%M:%S}[/] {mark}{escape(line)}")


def _say(line: str) -> None:
    """Print a line; a disk or a terminal that does not take it does not end the platform."""
    try:
        console.print(line, soft_wrap=True)
    except OSError as error:
        if error.errno != errno.ENOSPC:  # the terminal is closed: nobody reads on
            console.on_broken_pipe()


_BAD = {
    *("arm_failed", "replica_restarts", "process_restarts", "fault", "gateway_fails"),
    *("scrape_failed", "state_not_written"),
}


def _detach(settings: Settings) -> None:
    """Start a platform that outlives this command, and wait until its gateway listens."""
    found = running(settings)
    if found is not None:
        raise ServingError(
            "a platform runs here already",
            where=str(settings.home),
            found=f"process {found}",
            remedy="use it, or end it: `millrace down`",
        )
    log = made_folder(settings.platform_folder / "logs", REMEDY) / "up.log"
    began = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--port", str(settings.gateway_port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    deadline = time.monotonic() + START_SECONDS
    while not _is_up(settings, process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            raise ServingError(_last_line(log, began), where="millrace up")
        time.sleep(0.05)
    console.print(f"the platform is up (process {process.pid}): port {settings.gateway_port}")
    console.print(f"its log is {escape(str(log))}; end it with `millrace down`", soft_wrap=True)


def _is_up(settings: Settings, pid: int) -> bool:
    try:
        state = read_state(settings)
    except MillraceError:
        return False
    return state is not None and state.pid == pid


def _last_line(log: Path, began: int) -> str:
    """Return the last thing that the platform said of itself in vain."""
    with log.open("rb") as said:
        said.seek(began)
        lines = [line for line in said.read().decode(errors="replace").splitlines() if line]
    return lines[-1].removeprefix("millrace: ") if lines else f"did not start; its log is {log}"
