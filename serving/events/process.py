"""One collector process: listen until told to stop, then keep what waits."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial

from millrace.errors import ServingError
from serving.events.app import App
from serving.events.collector import Collector
from serving.events.counts import Counts
from serving.events.files import EventFiles
from serving.events.folder import claimed
from serving.events.joining import Joiner
from serving.events.options import Options
from serving.events.trouble import Trouble
from serving.predictor.connections import Guard
from serving.predictor.http_server import HttpServer, bind
from serving.predictor.logs import Log

CONNECTIONS = 1024
TICK = 1.0
"""Seconds between two looks at what has waited long enough, at most."""
DRAIN_TIMEOUT = 2.5
"""Seconds that requests in progress may take after SIGTERM."""


def serve(options: Options, log: Log) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        MillraceError: the address or the folder cannot be used.
    """
    import uvloop

    bound = bind(options.host, options.port, shared=False)
    counts = Counts()
    collector = Collector(
        options.folder, Joiner(options.wait), EventFiles(), counts, time.monotonic
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(claimed(options.folder))
            collector.recover()
        except (OSError, ValueError) as error:
            raise ServingError(
                f"events cannot be kept there: {error}",
                where=f"--folder {options.folder}",
                remedy="give a folder that this process may write and no other collector uses",
            ) from error
        uvloop.run(_serve(options, log, bound, collector, counts))


async def _serve(
    options: Options, log: Log, bound: socket.socket, collector: Collector, counts: Counts
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    trouble = Trouble(options.folder, log)
    with ThreadPoolExecutor(1, "events") as thread:
        server = HttpServer(App(collector, thread, counts, trouble), bound, Guard(CONNECTIONS))
        await server.start()
        log.info("ready", port=options.port, folder=str(options.folder))
        loop, tick = asyncio.get_running_loop(), min(TICK, options.wait / 2)
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), tick)
            await loop.run_in_executor(thread, _give_up, collector, trouble)
        log.info("stopping")
        with suppress(TimeoutError):
            await asyncio.wait_for(server.stop(), DRAIN_TIMEOUT)
        rest = partial(_give_up, collector, trouble, all_of_them=True)
        await loop.run_in_executor(thread, rest)
    log.info("stopped")


def _give_up(collector: Collector, trouble: Trouble, *, all_of_them: bool = False) -> None:
    """Keep what has waited long enough; without room for it, it waits on."""
    try:
        collector.give_up(all_of_them=all_of_them)
    except OSError as error:
        trouble.tell(error)
