"""Closed-loop load: a fixed number of connections, each sending as soon as it was answered.

It says what a server can do, not how it feels to wait for it: for that see open_loop. It runs in a
process of its own: `python -m serving.traffic.closed_loop < SPECIFICATION.json`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from serving.traffic.connection import Answer, Connection
from serving.traffic.grpc_connection import GrpcConnection


@dataclass(frozen=True)
class Load:
    """What to send, where and for how long.

    Attributes:
        port: port on loopback.
        requests: what is sent, by turns: whole HTTP requests, or serialized messages for gRPC.
        protocol: how it is sent.
        connections: requests that are under way at any time; for gRPC all of one connection.
        seconds: how long.
        core: the processor to run on; None for any.
        rate: requests a second, for HTTP; 0 for as many as are answered.
    """

    port: int
    requests: list[bytes]
    protocol: Literal["http", "grpc"] = "http"
    connections: int = 8
    seconds: float = 2.0
    core: int | None = None
    rate: float = 0.0

    def as_json(self) -> str:
        """Return it as the process reads it."""
        encoded = [base64.b64encode(request).decode() for request in self.requests]
        return json.dumps({**asdict(self), "requests": encoded})

    @classmethod
    def of_json(cls, text: str) -> Load:
        """Return what `as_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        fields["requests"] = [base64.b64decode(request) for request in fields["requests"]]
        return cls(**fields)


@dataclass
class Outcome:
    """What came of it; times in seconds.

    Attributes:
        answered: answers by HTTP status, 0 for none; by OK or LOST for gRPC.
        seconds: how long it took in all.
        latencies: of each request that was answered, in no order.
        processor: processor time that this client itself took.
    """

    answered: Counter[int | str] = field(default_factory=Counter)
    seconds: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    processor: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the figures: rate a second, latency quantiles in seconds, codes, load."""
        ordered = sorted(self.latencies)
        last = len(ordered) - 1
        quantiles = {name: ordered[round(last * q)] for name, q in _QUANTILES} if ordered else {}
        return {
            "rate": len(ordered) / self.seconds,
            "count": len(ordered),
            "codes": {str(code): count for code, count in self.answered.items()},
            "busy": self.processor / self.seconds,
            **quantiles,
        }


_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


async def run(load: Load) -> Outcome:
    """Send, wait for the last answers, and return what came of it."""
    send = _over_http if load.protocol == "http" else _over_grpc
    outcome = Outcome()
    processor, began = time.process_time(), time.perf_counter()
    await send(load, outcome, began + load.seconds)
    outcome.seconds = time.perf_counter() - began
    outcome.processor = time.process_time() - processor
    return outcome


async def _over_http(load: Load, outcome: Outcome, until: float) -> None:
    requests = itertools.cycle(load.requests)
    while time.perf_counter() < until:  # a server may close a connection: then open another
        await asyncio.gather(
            *(
                _keep_sending(load, number, requests, outcome, until)
                for number in range(load.connections)
            )
        )


async def _keep_sending(
    load: Load, number: int, requests: Iterator[bytes], outcome: Outcome, until: float
) -> None:
    """Send over one connection of several, by turns with the others if there is a rate."""
    loop, clock = asyncio.get_running_loop(), time.perf_counter
    _, connection = await loop.create_connection(Connection, "127.0.0.1", load.port)
    ended: asyncio.Future[None] = loop.create_future()
    pause = load.connections / load.rate if load.rate else 0.0
    sent = due = clock()

    def send() -> None:
        nonlocal sent
        sent = clock()
        if connection.usable:
            connection.send(next(requests), done)
        elif not ended.done():
            ended.set_result(None)

    def done(_: Connection, answer: Answer) -> None:
        nonlocal due
        now = clock()
        outcome.answered[answer.status] += 1
        if answer.status:
            outcome.latencies.append(now - sent)
        due += pause
        if now < until:
            loop.call_later(due - now, send) if due > now else send()
        elif not ended.done():
            ended.set_result(None)

    due += pause * number / load.connections
    loop.call_later(due - sent, send)
    await ended
    connection.abort()


async def _over_grpc(load: Load, outcome: Outcome, until: float) -> None:
    loop, clock = asyncio.get_running_loop(), time.perf_counter
    requests = itertools.cycle(load.requests)
    _, connection = await loop.create_connection(
        lambda: GrpcConnection(f"127.0.0.1:{load.port}"), "127.0.0.1", load.port
    )

    async def keep_calling() -> None:
        ended: asyncio.Future[None] = loop.create_future()

        def call() -> None:
            sent = clock()

            def done(heard: bool) -> None:
                now = clock()
                outcome.answered["OK" if heard else "LOST"] += 1
                if heard:
                    outcome.latencies.append(now - sent)
                if now < until and not connection.lost.done():
                    call()
                elif not ended.done():
                    ended.set_result(None)

            connection.call(next(requests), done)

        call()
        await ended

    await asyncio.gather(*(keep_calling() for _ in range(load.connections)))
    connection.close()


def main() -> None:
    """Read a specification from standard input, send, and write the figures as JSON."""
    import uvloop

    load = Load.of_json(sys.stdin.read())
    if load.core is not None:
        os.sched_setaffinity(0, {load.core})
    outcome = uvloop.run(run(load))
    sys.stdout.write(json.dumps(outcome.as_dict()) + "\n")


if __name__ == "__main__":
    main()
