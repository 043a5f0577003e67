"""Events leave in order and once; what finds no room or no receiver is dropped and counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from millrace.features.lookup import LookupPlan
from serving.predictor import event_data
from serving.predictor import events as module
from serving.predictor.answering import InferAnswer
from serving.predictor.events import Events
from serving.predictor.signature import Input, Signature

SIGNATURE = Signature((Input("x", "number", "v"),), LookupPlan(project="p", views=[]))
MODEL: Any = SimpleNamespace(name="pumps", version="3", digest="d" * 64, signature=SIGNATURE)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
BATCHES = (
    b"HTTP/1.1 202 Accepted\r\nAccept: application/cloudevents-batch+json\r\n"
    b"content-length: 2\r\n\r\nok"
)
Reply = Callable[[int], bytes | None]


@dataclass
class Counts:
    sent: int = 0
    dropped: int = 0

    def events_sent(self, count: int) -> None:
        self.sent += count

    def events_dropped(self, count: int) -> None:
        self.dropped += count


@dataclass
class Receiver:
    """An HTTP server that answers its nth request as it is told; None ends the connection."""

    reply: Reply
    ids: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    requests: int = 0
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.requests += 1
            self.bodies.append(body)
            reply = self.reply(self.requests)
            if reply is None:
                break
            batch = isinstance(body, list)
            self.ids += [event["id"] for event in body] if batch else [headers["ce-id"]]
            writer.write(reply)
            if b"close" in reply or b"HTTP/1.0" in reply:
                await writer.drain()
                break
        writer.close()


@asynccontextmanager
async def receiver(reply: Reply) -> AsyncIterator[Receiver]:
    made = Receiver(reply)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


def emit(events: Events, first: int, count: int) -> list[str]:
    ids = [f"id-{number}" for number in range(first, first + count)]
    one = np.ones((1, 1), np.float32)
    for each in ids:
        events.emit(InferAnswer(each, one, {"x": one}, {}))
    return ids


def opened(port: int, counts: Counts) -> Events:
    log: Any = SimpleNamespace(warning=lambda *_, **__: None)
    return Events(f"http://127.0.0.1:{port}/in", MODEL, counts, log)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def play(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "requests", "connections"),
    [
        (OK, 500, 1),
        (BATCHES, 3, 1),
        (OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), 500, 500),
        (OK.replace(b"1.1", b"1.0"), 500, 500),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 500, 1),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            500,
            1,
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 500, 1),
    ],
)
def test_every_event_arrives_once_and_in_order(
    reply: bytes, requests: int, connections: int
) -> None:
    async def test() -> None:
        counts = Counts()
        async with receiver(lambda _: reply) as there:
            events = opened(there.port, counts)
            await events.start()
            ids = emit(events, 0, 500)
            await until(lambda: counts.sent == 500)
            await events.close()
            assert there.ids == ids
            assert there.requests == requests
            assert there.connections == connections
        assert counts == Counts(500, 0)

    play(test)


def test_a_receiver_that_refuses_costs_what_it_refused() -> None:
    async def test() -> None:
        counts = Counts()
        bad = OK.replace(b"200 OK", b"500 Oh no")
        async with receiver(lambda turn: bad if turn % 2 else OK) as there:
            events = opened(there.port, counts)
            await events.start()
            emit(events, 0, 100)
            await until(lambda: counts.sent + counts.dropped == 100)
            await events.close()
        assert counts == Counts(50, 50)

    play(test)


def test_an_event_whose_fate_is_unknown_is_not_sent_again() -> None:
    async def test() -> None:
        counts = Counts()
        async with receiver(lambda turn: None if turn == 1 else OK) as there:
            events = opened(there.port, counts)
            await events.start()
            ids = emit(events, 0, 10)
            await until(lambda: counts.sent + counts.dropped == 10)
            await events.close()
            assert there.ids == ids[1:]
        assert counts == Counts(9, 1)

    play(test)


@pytest.mark.parametrize(
    "reply", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 xyz\r\n\r\n", b"x" * 200_000]
)
def test_what_is_no_http_costs_drops_only(reply: bytes) -> None:
    async def test() -> None:
        counts = Counts()
        async with receiver(lambda _: reply) as there:
            events = opened(there.port, counts)
            await events.start()
            emit(events, 0, 3)
            await until(lambda: counts.dropped == 3)
            await events.close()

    play(test)


def test_a_receiver_that_comes_later_gets_what_waited() -> None:
    async def test() -> None:
        counts = Counts()
        async with receiver(lambda _: OK) as gone:
            port = gone.port
        events = opened(port, counts)
        await events.start()
        ids = emit(events, 0, 20)
        await asyncio.sleep(0)
        late = Receiver(lambda _: OK)
        server = await asyncio.start_server(late.serve, "127.0.0.1", port)
        async with server:
            await until(lambda: counts.sent == 20)
            await events.close()
        assert late.ids == ids

    play(test)


def test_what_does_not_fit_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr(module, "MAX_EVENTS", 50)
        monkeypatch.setattr(module, "TIMEOUT", 0.05)
        counts = Counts()
        async with receiver(lambda _: OK) as gone:
            port = gone.port
        events = opened(port, counts)
        await events.start()
        emit(events, 0, 80)
        assert counts == Counts(0, 30)
        await events.close()
        assert counts == Counts(0, 80)

    play(test)


def test_the_memory_of_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr(module, "MAX_BYTES", 1000)
        monkeypatch.setattr(module, "TIMEOUT", 0.05)
        counts = Counts()
        events = opened(1, counts)
        await events.start()
        for turn in range(100):
            emit(events, turn, 1)
            await asyncio.sleep(0)
        assert 90 < counts.dropped < 100
        await events.close()
        assert counts == Counts(0, 100)

    play(test)


def batch(rows: int, **more: Any) -> InferAnswer:
    column = np.arange(rows, dtype=np.float32).reshape(-1, 1)
    return InferAnswer("batch", column, {"x": column}, {}, **more)


@pytest.mark.parametrize("reply", [OK, BATCHES])
def test_others_have_their_turn_while_the_event_of_a_large_batch_is_encoded(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_data, "VALUES_AT_ONCE", 100)

    async def test() -> None:
        counts, turns, encoding = Counts(), 0, asyncio.Event()
        async with receiver(lambda _: reply) as there:
            events = opened(there.port, counts)
            await events.start()
            emit(events, 0, 1)  # the answer to it tells whether batches are liked
            await until(lambda: counts.sent == 1)

            async def count() -> None:
                nonlocal turns
                await encoding.wait()
                while counts.sent < 2:
                    turns += 1
                    await asyncio.sleep(0)

            pieces = events._data.pieces

            def watched(event: Any) -> Any:
                encoding.set()
                return pieces(event)

            monkeypatch.setattr(events._data, "pieces", watched)
            counting = asyncio.create_task(count())
            events.emit(batch(50_000))
            assert not encoding.is_set(), "an answer waits until its event is encoded"
            await counting
            await events.close()
            assert turns > 500
            (told,) = there.bodies[1:]
            told = told[0]["data"] if isinstance(told, list) else told
            assert told["instances"] == [{"x": float(number)} for number in range(50_000)]
            assert told["predictions"] == [float(number) for number in range(50_000)]

    play(test)


def test_batches_that_wait_count_by_what_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr(module, "TIMEOUT", 0.05)
        counts = Counts()
        events = opened(1, counts)
        await events.start()
        for _ in range(100):
            events.emit(batch(10_000))
            events.emit(batch(10, size=1_000_000))
        assert 100 < counts.dropped < 120  # a pair takes about 1.5 MB
        await events.close()

    play(test)


def test_a_connection_that_the_receiver_ends_between_events_costs_none() -> None:
    async def test() -> None:
        counts = Counts()
        ends = OK.replace(b"\r\n\r\n", b"\r\nx-and-then: close\r\n\r\n")
        async with receiver(lambda _: ends) as there:
            events = opened(there.port, counts)
            await events.start()
            for number in range(5):
                emit(events, number, 1)
                await until(lambda n=number: counts.sent + counts.dropped == n + 1)  # type: ignore[misc]
                await until(lambda: not events._sink._connection.open)
            await events.close()
            assert there.connections == 5
        assert counts == Counts(5, 0)

    play(test)


def test_what_waits_at_the_end_is_sent_before_it_ends() -> None:
    async def test() -> None:
        counts = Counts()
        async with receiver(lambda _: OK) as there:
            events = opened(there.port, counts)
            await events.start()
            ids = emit(events, 0, 300)
            await events.close()
            assert there.ids == ids
        assert counts == Counts(300, 0)

    play(test)


def test_a_receiver_that_hangs_does_not_keep_the_end_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        monkeypatch.setattr(module, "TIMEOUT", 0.1)
        counts = Counts()
        async with receiver(lambda _: b"") as there:
            events = opened(there.port, counts)
            await events.start()
            emit(events, 0, 30)
            await until(lambda: there.requests > 0)
            async with asyncio.timeout(5):
                await events.close()
        assert counts == Counts(0, 30)

    play(test)
