"""The serving role by itself: how large it is, how soon it is ready, what events cost.

The size is that of all files of a virtual environment that nothing but requirements/serving.txt was
installed in, with the bytecode that tools/setup has compiled, in bytes of content. Ready is the
time from starting the process until /v2/health/ready answers 200, as of the bundle on a warm disk.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.predictor_servers import (
    CLIENT_CORE,
    ROWS,
    Server,
    bundle,
    free_ports,
    measure,
    predictor,
    rest_requests,
    running,
    serving_python,
)
from benchmarks.rows import Row, against_goal, against_peer

STARTS = 7
ROUNDS = 11
MODERATE = 300.0
"""Requests a second that leave a predictor idle most of the time."""
_BATCHES = "/batches"


def run() -> list[Row]:
    """Return the size of the environment, the time to readiness, and the cost of events."""
    size = _size(serving_python().parents[1])
    return [
        against_goal("serving environment, MB", size / 1e6, at_most=200),
        _ready(),
        *_events(),
    ]


def _size(venv: Path) -> int:
    """Return the bytes of all that is installed."""
    files = (file for file in venv.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files)


def _ready() -> Row:
    made, taken = bundle(), []
    for _ in range(STARTS + 1):
        server = predictor(made, "ours-start")
        taken.append(server.wait())
        server.stop()
    return against_goal("predictor ready, seconds", statistics.median(taken[1:]), at_most=1.5)


def _events() -> list[Row]:
    """Compare the processor time a request of predictors that send events and of one without.

    One receiver knows only KServe's logger, which sends each event by itself; the other takes
    batches. They are loaded with as much as they answer, and with a tenth of that.
    """
    made = bundle()
    rows = made.rows()
    requests = rest_requests(rows.features[:ROWS], rows.types)
    (port,) = free_ports(1)
    with _receiver(port):
        servers = (
            predictor(made, "ours-silent"),
            predictor(made, "ours-events", f"--events-url=http://127.0.0.1:{port}/"),
            predictor(made, "ours-batches", f"--events-url=http://127.0.0.1:{port}{_BATCHES}"),
        )
        with running(*servers):
            full = _by_turns(servers, requests, seconds=1.2)
            moderate = _by_turns(servers, requests, seconds=2.0, rate=MODERATE)
    return [*_compared(full, "at full load"), *_compared(moderate, f"at {MODERATE:g} a second")]


def _compared(taken: list[float], load: str) -> list[Row]:
    silent, single, batches = taken
    name = f"us of processor time a request {load}"
    return [
        against_peer(f"events one by one, {name}", single, silent, at_most=1.05),
        against_peer(f"events in batches, {name}", batches, silent, at_most=1.05),
    ]


def _by_turns(
    servers: tuple[Server, ...], requests: list[bytes], seconds: float, rate: float = 0.0
) -> list[float]:
    """Return the median of the microseconds of processor time that each takes for a request."""
    taken: dict[str, list[float]] = {server.name: [] for server in servers}
    for number in range(ROUNDS + 1):
        for server in servers:
            figures = measure(server, requests, seconds=seconds if number else 0.3, rate=rate)
            if number:
                taken[server.name].append(figures["cpu"] * 1e6)
    return [statistics.median(each) for each in taken.values()]


@contextmanager
def _receiver(port: int) -> Iterator[None]:
    """Run a receiver of events in another process, on the client's core."""
    command = [sys.executable, "-m", "benchmarks.predictor_role", str(port)]
    process = subprocess.Popen(command)
    psutil.Process(process.pid).cpu_affinity([CLIENT_CORE])
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


class _Receiver(asyncio.Protocol):
    """Answers every HTTP request with 200, whatever it says; some paths ask for batches."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        import httptools

        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._accept = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        batches = url == _BATCHES.encode()
        self._accept = b"accept: application/cloudevents-batch+json\r\n" if batches else b""

    def on_message_complete(self) -> None:
        head = b"HTTP/1.1 200 OK\r\n%bcontent-length: 0\r\n\r\n" % self._accept
        self._transport.write(head)  # type: ignore[attr-defined]


async def _receive(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_receive(int(sys.argv[1])))
