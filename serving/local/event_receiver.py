"""Where the predictors of this machine send their events: the newest are kept as JSON lines."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from serving.events.cloudevents import BATCH, attributes_of, on_one_line, with_data
from serving.events.files import LARGEST_BYTES, LONGEST_BYTES, EventFiles

_PATH = re.compile(r"/([a-z][a-z0-9-]*)")
_ANSWERS = {
    202: b"HTTP/1.1 202 Accepted\r\naccept: %b\r\ncontent-length: 0\r\n\r\n" % BATCH.encode(),
    404: b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    413: b"HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    507: b"HTTP/1.1 507 Insufficient Storage\r\ncontent-length: 0\r\n\r\n",
}


class EventReceiver:
    """Takes events over HTTP on loopback, one a request or in batches, as they are sent."""

    def __init__(
        self, folder: Path, tell: Callable[[str, str], None], longest: int = LONGEST_BYTES
    ) -> None:
        """Take where to keep them, whom to tell of trouble, and the longest file."""
        self._folder = folder
        self._tell = tell
        self._files = EventFiles(longest)
        self._server: asyncio.Server | None = None
        self._writing = threading.Lock()
        self._trouble = ""
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def start(self) -> None:
        """Begin to listen, on a port that is free; without one, say so and keep nothing."""
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        except OSError as error:
            self._say(f"events are not kept: {error.strerror or error}")

    def url(self, workload: str) -> str:
        """Return where the events of a workload go; '' while nobody listens."""
        if self._server is None:
            return ""
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/{workload}"

    async def stop(self) -> None:
        """Listen no more, and end the connections; what was answered is kept."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [task for task in self._connections.values() if task is not None]
        for writer in self._connections:
            writer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, until it ends."""
        self._connections[writer] = asyncio.current_task()
        try:
            status = 202
            while status != 413:
                status = await self._answer(reader)
                writer.write(_ANSWERS[status])
                await writer.drain()
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
            ValueError,
        ):
            pass  # it has ended, or does not speak HTTP
        finally:
            del self._connections[writer]
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        """Read one request and return the status of its answer.

        Raises:
            ValueError: this is no request with a body.
        """
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        _, path, _ = head[0].split(" ")
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in lines}
        size = int(headers["content-length"]) if "content-length" in headers else -1
        if not 0 <= size <= LARGEST_BYTES:
            return 413
        body = await reader.readexactly(size)
        workload = _PATH.fullmatch(path)
        if workload is None:
            return 404
        line = _line(headers, body)
        try:
            await asyncio.to_thread(self._keep, self._folder / f"{workload[1]}.jsonl", line)
        except OSError as error:
            self._say(f"events are not kept: {error.strerror or error} ({self._folder})")
            return 507
        self._trouble = ""
        return 202

    def _keep(self, file: Path, line: bytes) -> None:
        with self._writing:
            self._files.keep(file, line)

    def _say(self, trouble: str) -> None:
        if self._trouble != trouble:
            self._trouble = trouble
            self._tell("events_not_kept", trouble)


def _line(headers: dict[str, str], body: bytes) -> bytes:
    """Return events as one line of JSON."""
    if headers.get("content-type", "").startswith(BATCH):
        return on_one_line(body) + b"\n"
    return with_data(attributes_of(headers.items()), body) + b"\n"
