"""Several worker processes that share the ports, and the small parent that keeps them alive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from millrace.registry.bundle import read_card
from millrace.runs.limits import PARENT
from serving.predictor.connections import Guard
from serving.predictor.exposition import Exposition, labels_of
from serving.predictor.http_server import HttpServer, bind
from serving.predictor.layout import Layout, layout_for
from serving.predictor.logs import Log
from serving.predictor.metrics import CELLS_FILE, Cells, shared_cells
from serving.predictor.metrics_page import MetricsPage
from serving.predictor.options import Options

MAX_PAUSE = 30.0
"""Greatest pause, in seconds, before a dead worker is started again; the first is a tenth."""
STEADY = 60.0
"""Seconds after which a worker is forgiven its earlier deaths."""
STOP_TIMEOUT = 30.0
"""Seconds, beyond the grace, after which a worker that does not stop is killed."""


def supervise(options: Options, arguments: Sequence[str], log: Log) -> int:
    """Run the workers until SIGTERM or SIGINT; return the exit code of the process.

    Args:
        options: what is served.
        arguments: the command line, which the workers get too.
        log: the process's log.

    Raises:
        MillraceError: the bundle has no card, or the metrics address cannot be used.
    """
    import uvloop

    return uvloop.run(Parent(options, arguments, log).run())


class Parent:
    """Starts workers, passes on signals, and shows the sum of what the workers count."""

    def __init__(self, options: Options, arguments: Sequence[str], log: Log) -> None:
        self._options = options
        self._arguments = arguments
        self._log = log
        self._stop = asyncio.Event()
        self._failed = False

    async def run(self) -> int:
        """Run until told to stop, or until no worker can be started at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        socket = bind(self._options.host, self._options.metrics_port, shared=False)
        memories = [os.memfd_create("predictor-cells") for _ in range(self._options.workers)]
        cells = [shared_cells(_file(memory)) for memory in memories]
        page = HttpServer(MetricsPage(self._exposition(cells)), socket, Guard(64))
        workers = [
            loop.create_task(self._keep(memory, own))
            for memory, own in zip(memories, cells, strict=True)
        ]
        await page.start()
        await asyncio.gather(*workers)
        await page.stop()
        return 1 if self._failed else 0

    def _exposition(self, cells: Sequence[Cells]) -> Exposition:
        options = self._options
        bins = read_card(options.model_dir).counting_bins
        layout = layout_for(options.latency, options.lookup_timeout, len(bins.edges) + 1)
        return Exposition(layout, cells, labels_of(options))

    async def _keep(self, memory: int, cells: Cells) -> None:
        """Run one worker after the other, until told to stop."""
        loop = asyncio.get_running_loop()
        pause = 0.1
        while not self._stop.is_set():
            began = loop.time()
            code, was_ready = await self._run(memory, cells)
            if self._stop.is_set():
                return
            if not was_ready and code == 1:  # it said why in the log; it will not mend by itself
                self._failed = True
                self._stop.set()
                return
            pause = 0.1 if loop.time() - began > STEADY else min(2 * pause, MAX_PAUSE)
            self._log.error("worker_died", code=code, pause=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _run(self, memory: int, cells: Cells) -> tuple[int, bool]:
        """Run one worker; return its exit code, and whether it ever was ready."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "serving.predictor",
            *self._arguments,
            pass_fds=[memory],
            env={**os.environ, CELLS_FILE: str(_file(memory)), PARENT: str(os.getpid())},
        )
        ended = asyncio.ensure_future(process.wait())
        told = asyncio.ensure_future(self._stop.wait())
        was_ready = False
        while not (ended.done() or told.done()):
            await asyncio.wait({ended, told}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            was_ready = was_ready or cells[Layout.READY] > 0
        if not ended.done():
            process.terminate()
            await asyncio.wait({ended}, timeout=self._options.grace + STOP_TIMEOUT)
            if not ended.done():
                process.kill()
        told.cancel()
        cells[Layout.READY] = 0.0
        return await ended, was_ready


def _file(memory: int) -> Path:
    """Return the name of memory that processes share, which is the same in each of them."""
    return Path(f"/proc/self/fd/{memory}")
