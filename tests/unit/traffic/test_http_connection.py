import asyncio

import pytest
from traffic_servers import REQUEST, Exchange, answer, answering, serving

from serving.traffic.connection import Answer, Connection


async def asked(exchange: Exchange, times: int = 1) -> tuple[list[Answer], bool]:
    """Return the answers to requests over one connection, and whether it can take another."""
    loop = asyncio.get_running_loop()
    async with serving(exchange) as target, asyncio.timeout(10):
        _, connection = await loop.create_connection(
            lambda: Connection(keep_body=True), target.address, target.port
        )
        answers = []
        for _ in range(times):
            done: asyncio.Future[Answer] = loop.create_future()
            connection.send(REQUEST.content, lambda _, found, done=done: done.set_result(found))
            answers.append(await done)
        usable = connection.usable
        connection.abort()
        return answers, usable


def test_one_connection_carries_many_requests() -> None:
    versioned = answer("200 OK", b"[1]", "X-Model-Version: 7")
    answers, usable = asyncio.run(asked(answering(versioned, answer("503 Busy", b"")), 4))
    assert [found.status for found in answers] == [200, 503, 200, 503]
    assert [found.version for found in answers] == ["7", "", "7", ""]
    assert answers[0].body == b"[1]"
    assert usable


def test_an_answer_in_chunks_is_read_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    answers, usable = asyncio.run(asked(answering(head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), 2))
    assert [found.body for found in answers] == [b"abc", b"abc"]
    assert usable


def test_a_server_that_says_close_gets_no_further_request() -> None:
    answers, usable = asyncio.run(asked(answering(answer("200 OK", b"{}", "connection: close"))))
    assert answers[0].status == 200
    assert not usable


@pytest.mark.parametrize(
    ("sent", "heard"),
    [(b"", False), (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", True), (b"\0\1 no", True)],
)
def test_an_answer_that_ends_too_soon_is_none(sent: bytes, heard: bool) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)

    answers, usable = asyncio.run(asked(cut))
    assert answers[0].status == 0
    assert answers[0].heard is heard
    assert not usable
