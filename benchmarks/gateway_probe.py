"""Who answers at the gateway, asked all the while: when an arm begins, and when it answers no more.

Each worker thread of Envoy takes a new route for itself, and a connection belongs to one of them,
so the probe asks on some connections at once, each every few milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from serving.traffic.connection import Answer, Connection
from serving.traffic.target import Target

CONNECTIONS = 4
PAUSE = 0.002
QUIET = 0.25
"""Seconds of answers of others after which an arm is taken to answer no more."""
WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: when it came, as Unix time in seconds, and of which version."""

    at: float
    version: str


class Probe:
    """Answers on each connection since the last move began, oldest first."""

    def __init__(self) -> None:
        self.lines: list[list[Heard]] = [[] for _ in range(CONNECTIONS)]

    def begin(self) -> None:
        """Forget what was heard so far."""
        for line in self.lines:
            line.clear()

    async def begun(self, version: str) -> float:
        """Return when the first answer of a version came."""

        def found() -> float | None:
            heard = (one.at for line in self.lines for one in line if one.version == version)
            return min(heard, default=None)

        return await _until(found, f"no answer of version {version}")

    async def over(self, version: str) -> float:
        """Return when, on every connection, an answer came after which a version gave none."""

        def found() -> float | None:
            turns = [turn(line, version) for line in self.lines]
            return None if None in turns else max(at for at in turns if at is not None)

        return await _until(found, f"version {version} still answers")


def turn(line: Sequence[Heard], version: str) -> float | None:
    """Return when the first answer after the last of a version came; None if it may come again."""
    first: Heard | None = None
    for one in reversed(line):
        if one.version == version:
            break
        first = one
    return first.at if first and line[-1].at - first.at > QUIET else None


@asynccontextmanager
async def probing(target: Target, request: bytes) -> AsyncIterator[Probe]:
    """Ask all the while, as long as the block lasts."""
    probe = Probe()
    asking = [asyncio.create_task(_ask_on(target, request, line)) for line in probe.lines]
    try:
        yield probe
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def _ask_on(target: Target, request: bytes, line: list[Heard]) -> None:
    loop = asyncio.get_running_loop()
    connection: Connection | None = None
    try:
        while True:
            if connection is None or not connection.usable:
                _, connection = await loop.create_connection(
                    Connection, target.address, target.port
                )
            answer = await _answer(connection, request)
            line.append(Heard(time.time(), answer.version))
            await asyncio.sleep(PAUSE)
    finally:
        if connection is not None:
            connection.abort()


async def _answer(connection: Connection, request: bytes) -> Answer:
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def done(_: Connection, answer: Answer) -> None:
        if not answered.done():  # nobody waits any more
            answered.set_result(answer)

    connection.send(request, done)
    return await answered


async def _until(found: Callable[[], float | None], problem: str) -> float:
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        at = found()
        if at is not None:
            return at
        await asyncio.sleep(0.01)
    raise SystemExit(problem)
