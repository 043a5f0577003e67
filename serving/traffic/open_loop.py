"""Open-loop traffic: requests come when they come, whether or not earlier ones were answered.

Arrivals are a Poisson process, as of many users who do not know of each other. A slow model then
shows as users would feel it; clients that wait for answers would slow down with it and hide it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

from millrace.durations import WITH_UNIT
from millrace.errors import ServingError
from millrace.workload.base import Duration
from serving.traffic.grpc_sender import GrpcSender
from serving.traffic.http_sender import HttpSender
from serving.traffic.ledger import LATE, Ledger, TrafficReport
from serving.traffic.mix import Mix, Request, draw
from serving.traffic.rows import Rows
from serving.traffic.target import Target

_WAIT = 10.0
"""Seconds after which a request without an answer is lost."""
_UNANSWERED = 500
"""Requests without an answer, beyond which further ones are not sent."""
_POOL = 1024
"""Requests that are encoded before the first is sent, and then drawn from."""
_POOL_BYTES = 8 * 2**20

Hear = Callable[[TrafficReport], None]


@dataclass(frozen=True)
class Plan:
    """How much to send, and for how long.

    Attributes:
        rate: requests a second, on average.
        seconds: how long.
        seed: of the dice that choose times and requests; None for other ones each time.
    """

    rate: float
    seconds: float
    seed: int | None = None

    def check(self) -> None:
        """Say what cannot be.

        Raises:
            ServingError: the rate or the duration is none.
        """
        for name, value, most in (("rate", self.rate, 100_000.0), ("for", self.seconds, 86_400.0)):
            if not 0 < value <= most:
                raise ServingError(
                    "cannot be",
                    where=f"--{name}",
                    found=f"{value:g}",
                    expected=f"more than 0 and at most {most:g}",
                )


def seconds_of(text: str) -> float:
    """Return the seconds of a duration such as 90s or 10m.

    Raises:
        ServingError: it is no duration.
    """
    try:
        duration: timedelta = TypeAdapter(Duration).validate_python(text)
    except ValidationError as error:
        raise ServingError(
            "is no duration",
            where="--for",
            found=repr(text),
            expected=f"{WITH_UNIT}, such as 60s",
        ) from error
    return duration.total_seconds()


async def send_traffic(
    plan: Plan,
    pool: Sequence[Request],
    target: Target,
    *,
    stop: asyncio.Event | None = None,
    hear: Hear | None = None,
) -> TrafficReport:
    """Send requests at the planned rate, wait for the last answers, and report.

    Args:
        plan: rate and duration.
        pool: encoded requests to draw from.
        target: where to send.
        stop: ends the sending early once it is set.
        hear: is told every second how it goes.
    """
    ledger = Ledger()
    stop = stop or asyncio.Event()
    http, grpc = HttpSender(target, ledger, _WAIT), _grpc_sender(pool, target, ledger)
    senders: list[HttpSender | GrpcSender] = [http, grpc] if grpc else [http]
    telling = asyncio.create_task(_tell(ledger, target, hear)) if hear else None
    try:
        await _send(plan, pool, ledger, stop, http, grpc)
        last = time.perf_counter() + _WAIT
        while any(sender.unanswered for sender in senders) and time.perf_counter() < last:
            await asyncio.sleep(0.01)
    finally:
        if telling:
            telling.cancel()
        for sender in senders:
            await sender.close()
    return ledger.report(target.url)


def encode_pool(
    mix: Mix, rows: Rows, target: Target, model: str, seed: int | None = None
) -> list[Request]:
    """Return requests drawn in the shares of a mix, encoded."""
    dice = random.Random(seed)  # noqa: S311 - dice, no secrets
    pool: list[Request] = []
    size = 0
    while len(pool) < _POOL and size < _POOL_BYTES:
        pool.append(draw(mix, rows, target, model, dice))
        size += len(pool[-1].content)
    return pool


async def _send(
    plan: Plan,
    pool: Sequence[Request],
    ledger: Ledger,
    stop: asyncio.Event,
    http: HttpSender,
    grpc: GrpcSender | None,
) -> None:
    dice, clock = random.Random(plan.seed), time.perf_counter  # noqa: S311 - dice, no secrets
    stopping = asyncio.ensure_future(stop.wait())
    ledger.began = ledger.ended = due = clock()
    until = due + plan.seconds
    while (due := due + dice.expovariate(plan.rate)) < until:
        if due > clock():
            await asyncio.wait((stopping,), timeout=due - clock())
        if stop.is_set():
            break
        ledger.ended = now = clock()
        if http.unanswered + (grpc.unanswered if grpc else 0) >= _UNANSWERED:
            ledger.unsent += 1
            continue
        request = dice.choice(pool)
        late = now - due > LATE
        ledger.late += late
        ledger.sent[request.protocol] += 1
        ledger.rows += request.rows
        sender = grpc if grpc and request.protocol == "grpc" else http
        sender.send(request, due if late else now)
    else:
        await asyncio.wait((stopping,), timeout=max(until - clock(), 0))
        ledger.ended = min(clock(), until)
    stopping.cancel()


def _grpc_sender(pool: Sequence[Request], target: Target, ledger: Ledger) -> GrpcSender | None:
    if all(request.protocol != "grpc" for request in pool):
        return None
    return GrpcSender(target, ledger, _WAIT)


async def _tell(ledger: Ledger, target: Target, hear: Hear) -> None:
    while True:
        await asyncio.sleep(1)
        hear(ledger.report(target.url))
