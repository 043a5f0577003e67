import asyncio
import socket
import time

from traffic_servers import REQUEST, Exchange, answer, answering, serving, until

from serving.traffic.http_sender import HttpSender
from serving.traffic.ledger import Ledger
from serving.traffic.target import Target


async def booked(target: Target, times: int = 1, wait: float = 10.0) -> Ledger:
    """Send requests one after the other, and return what was counted."""
    ledger = Ledger()
    sender = HttpSender(target, ledger, wait)
    for _ in range(times):
        sender.send(REQUEST, time.perf_counter())
        await until(lambda: not sender.unanswered)
    await sender.close()
    return ledger


def counted(exchange: Exchange, times: int = 1, wait: float = 10.0) -> Ledger:
    async def count() -> Ledger:
        async with serving(exchange) as target:
            return await booked(target, times, wait)

    return asyncio.run(count())


def test_answers_are_counted_by_code_and_by_arm() -> None:
    found = counted(
        answering(
            answer("200 OK", b"", "x-model-version: 7"),
            answer("200 OK", b"", "x-model-version: 8"),
            answer("503 Busy", b""),
        ),
        times=6,
    ).report("")
    assert found.answered == {"200": 4, "503": 2}
    assert {name: arm.answered for name, arm in found.arms.items()} == {
        "7": 2,
        "8": 2,
        "gateway": 2,
    }
    assert found.arms["gateway"].errors == found.errors == 2
    assert found.lost == found.retried == 0


def test_a_kept_connection_that_closes_unheard_costs_no_request() -> None:
    connections = 0

    async def close_on_the_second(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())
        await reader.readuntil(b"\r\n\r\n")  # heard by the kernel, never by the server

    ledger = counted(close_on_the_second, times=3)
    assert ledger.answered == {"200": 3}
    assert ledger.retried == 2
    assert not ledger.lost
    assert connections == 3


def test_a_server_that_announces_the_end_of_a_connection_needs_no_second_attempt() -> None:
    ledger = counted(answering(answer("200 OK", b"", "connection: close")), times=3)
    assert ledger.answered == {"200": 3}
    assert not ledger.retried


def test_a_new_connection_that_closes_without_an_answer_loses_the_request() -> None:
    async def close(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    ledger = counted(close, times=2)
    assert ledger.lost == {"closed without an answer": 2}
    assert not ledger.retried


def test_half_an_answer_loses_the_request() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer()[:20])

    ledger = counted(half, times=2)
    assert ledger.answered == {"200": 1}
    assert ledger.lost == {"closed within an answer": 1}


def test_a_request_that_nobody_answers_in_time_is_lost() -> None:
    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    assert counted(wait, wait=0.05).lost == {"no answer in time": 1}


def test_a_request_to_nobody_is_lost() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        target = Target("127.0.0.1", taken.getsockname()[1], "model")
        ledger = asyncio.run(booked(target))
    assert ledger.lost.total() == 1
    assert "refused" in next(iter(ledger.lost)), ledger.lost


def test_what_waits_when_the_sender_closes_is_lost() -> None:
    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def close_early() -> Ledger:
        async with serving(wait) as target:
            ledger = Ledger()
            sender = HttpSender(target, ledger, 10)
            sender.send(REQUEST, time.perf_counter())
            await asyncio.sleep(0)
            await sender.close()
            await until(lambda: not sender.unanswered)
            return ledger

    assert asyncio.run(close_early()).lost.total() == 1
