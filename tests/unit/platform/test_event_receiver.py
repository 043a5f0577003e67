"""Events of the laptop's predictors are kept, whole and bounded, as they are sent."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stand_ins import until

from millrace.features.lookup import LookupPlan
from millrace.skew.events import read_events
from serving.local.event_receiver import EventReceiver
from serving.predictor.answering import InferAnswer
from serving.predictor.events import Events
from serving.predictor.signature import Input, Signature

SIGNATURE = Signature((Input("site", "category", "v"),), LookupPlan(project="p", views=[]))
MODEL: Any = SimpleNamespace(name="pumps", version="3", digest="d" * 64, signature=SIGNATURE)


class Counts:
    def __init__(self) -> None:
        self.sent = self.dropped = 0

    def events_sent(self, count: int) -> None:
        self.sent += count

    def events_dropped(self, count: int) -> None:
        self.dropped += count


def with_receiver(
    folder: Path, test: Callable[[EventReceiver], Awaitable[None]], longest: int = 2**20
) -> list[str]:
    """Run a receiver while a test needs it, and return what it says."""
    said: list[str] = []

    async def run() -> None:
        receiver = EventReceiver(folder, lambda _, line: said.append(line), longest)
        assert receiver.url("pumps") == ""
        await receiver.start()
        try:
            await test(receiver)
        finally:
            await receiver.stop()

    asyncio.run(run())
    return said


async def send(receiver: EventReceiver, count: int, text: str = 'Süd \n%"') -> Counts:
    """Send events as a predictor does, until each is taken or dropped."""
    counts = Counts()
    log: Any = SimpleNamespace(warning=lambda *_, **__: None)
    events = Events(receiver.url("pumps"), MODEL, counts, log)  # type: ignore[arg-type]
    await events.start()
    one = np.ones((1, 1), np.float32)
    for number in range(count):
        site = np.array([[text]], object)
        events.emit(InferAnswer(f'"{number}%', one, {"site": site}, {"site": "store"}))

    async def done() -> bool:
        return counts.sent + counts.dropped == count

    await until(done)
    await events.close()
    return counts


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


async def raw(receiver: EventReceiver, content: bytes) -> bytes:
    """Return what the receiver answers to some bytes before it ends the connection."""
    port = int(receiver.url("pumps").split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def test_every_event_is_kept_as_the_predictor_told_it(tmp_path: Path) -> None:
    async def test(receiver: EventReceiver) -> None:
        assert (await send(receiver, 600)).sent == 600

    assert with_receiver(tmp_path, test) == []
    file = tmp_path / "pumps.jsonl"
    found = list(read_events([file], "pumps"))
    assert [one.data.id for one in found] == [f'"{number}%' for number in range(600)]
    assert {one.data.instances[0]["site"] for one in found} == {'Süd \n%"'}
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert isinstance(lines[0], dict)  # by itself, before it was asked for batches
    assert isinstance(lines[-1], list)
    assert {**lines[0], "data": 0, "id": 0, "time": 0} == {
        **lines[-1][0],
        "data": 0,
        "id": 0,
        "time": 0,
    }


def test_only_the_newest_events_are_kept(tmp_path: Path) -> None:
    async def test(receiver: EventReceiver) -> None:
        for _ in range(8):
            await send(receiver, 20, "x" * 1000)

    with_receiver(tmp_path, test, longest=30_000)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pumps.jsonl", "pumps.jsonl.1"]
    assert all(file.stat().st_size < 80_000 for file in tmp_path.iterdir())
    for file in tmp_path.iterdir():
        assert len(list(read_events([file], "pumps"))) >= 20


def test_events_that_cannot_be_kept_are_refused_and_told_once(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("no folder")

    async def test(receiver: EventReceiver) -> None:
        counts = await send(receiver, 5)
        assert (counts.sent, counts.dropped) == (0, 5)

    [told] = with_receiver(tmp_path / "events", test)
    assert told.startswith("events are not kept: ")


def test_a_full_disk_leaves_no_half_event(tmp_path: Path) -> None:
    file = tmp_path / "pumps.jsonl"
    file.write_bytes(b"{}\n")

    async def test(receiver: EventReceiver) -> None:
        with no_file_longer_than(2**16):
            assert (await send(receiver, 1, "x" * 2**17)).dropped == 1

    [told] = with_receiver(tmp_path, test)
    assert told.startswith("events are not kept: No space left on device")
    assert file.read_bytes() == b"{}\n"


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"POST /../etc HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", b"HTTP/1.1 404"),
        (b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", b"HTTP/1.1 404"),
        (b"POST /pumps HTTP/1.1\r\ncontent-length: 999999999999\r\n\r\n", b"HTTP/1.1 413"),
        (b"POST /pumps HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"HTTP/1.1 413"),
        (b"POST /pumps HTTP/1.1\r\ncontent-length: 5\r\n\r\n{}", b""),
        (b"POST /pumps HTTP/1.1\r\ncontent-length: x\r\n\r\n{}", b""),
        (b"\x00" * 100_000, b""),
        (b"hello\r\n\r\n", b""),
    ],
)
def test_what_is_no_event_is_refused_and_not_kept(
    tmp_path: Path, content: bytes, answer: bytes
) -> None:
    async def test(receiver: EventReceiver) -> None:
        found = await raw(receiver, content)
        assert found.startswith(answer)
        assert bool(found) == bool(answer)
        assert (await send(receiver, 3)).sent == 3

    with_receiver(tmp_path, test)
    assert [file.name for file in tmp_path.iterdir()] == ["pumps.jsonl"]
    assert len(list(read_events([tmp_path / "pumps.jsonl"], "pumps"))) == 3
