"""`millrace up`: the platform without a cluster, in this terminal or detached from it."""

from __future__ import annotations

import asyncio
import errno
import signal
from contextlib import suppress
from datetime import datetime

from rich.markup import escape

from cli.commands.detached import start_detached
from cli.console import console
from millrace.errors import ServingError
from millrace.settings import Settings, load_settings
from serving.local.instance import Hold, only_platform
from serving.local.platform import Platform

LOOK_SECONDS = 0.5
"""Time between two looks at whether the platform's lock file is still there."""
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
        start_detached(settings)
        return
    with only_platform(settings) as hold:
        _say(f"home {escape(str(settings.home.resolve()))}; Ctrl-C ends the platform")
        asyncio.run(_run(settings, hold))
        _say("the platform is down")
        if hold.lost:
            raise ServingError(
                "the platform has ended, as its lock file is gone: the home was deleted or moved",
                where=str(hold.file),
                remedy="to start anew: `millrace up`",
            )


async def _run(settings: Settings, hold: Hold) -> None:
    work = asyncio.ensure_future(Platform(settings, _tell).run())

    def stop(why: str = "") -> None:
        for number in _ENDS:
            loop.add_signal_handler(number, lambda: None)  # it ends already, in order
        guard.cancel()
        work.cancel()
        _say(f"ending the platform{why}")

    async def stop_when_lost() -> None:
        while not hold.lost:
            await asyncio.sleep(LOOK_SECONDS)
        stop(f": {escape(str(hold.file))} is gone, so nobody would find it any more")

    loop = asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, stop)
    guard = asyncio.create_task(stop_when_lost())
    try:
        with suppress(asyncio.CancelledError):
            await work
    finally:
        guard.cancel()


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
