"""Servers that answer, or fail to, in every way that a client must count rightly."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from serving.traffic.encoding import get
from serving.traffic.mix import Request
from serving.traffic.target import Target

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = Request("v2", get("model", "/"), 1)


def answer(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"content-length: {len(body)}", *headers))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@contextlib.asynccontextmanager
async def serving(exchange: Exchange) -> AsyncIterator[Target]:
    """Serve each connection by a function, until the end of the block."""
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await exchange(reader, writer)
        writer.close()
        open_now.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Target("127.0.0.1", server.sockets[0].getsockname()[1], "model")
    finally:
        server.close()
        for writer in [*open_now]:
            writer.transport.abort()


def answering(*answers: bytes) -> Exchange:
    """Return what gives these answers by turns over a connection, for ever."""

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        turn = 0
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answers[turn % len(answers)])
            turn += 1

    return exchange


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.001)
