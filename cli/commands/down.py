"""`millrace down`: end the platform that runs in this home, wherever it was started."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psutil

from cli.console import console
from millrace.errors import ServingError
from millrace.settings import Settings, load_settings
from serving.local.children import Book
from serving.local.instance import running
from serving.local.state import state_file

PATIENCE_SECONDS = 60.0


def down() -> None:
    """End the platform in order, and whatever a killed one has left.

    Raises:
        ServingError: it does not end.
    """
    settings = load_settings()
    ran = running(settings) is not None
    if ran:
        _end(settings)
    book = Book(settings.platform_folder / "processes.json")
    left = book.end_leftovers() if settings.platform_folder.exists() else []
    state_file(settings).unlink(missing_ok=True)
    if left:
        console.print(f"ended {len(left)} processes that an earlier platform left")
    console.print("the platform is down" if ran else "no platform runs here")


def _end(settings: Settings) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    asked: set[int] = set()
    while (pid := running(settings)) is not None:
        if pid and pid not in asked:
            asked.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise ServingError(
                f"the platform does not end within {PATIENCE_SECONDS:g} s",
                where=str(settings.home),
                found=f"process {pid}",
                remedy=f"end it by force (`kill -9 {pid}`), then run `millrace down` again",
            )
        time.sleep(0.05)
    while any(map(_runs, asked)) and time.monotonic() < deadline:  # it has let go of everything
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
