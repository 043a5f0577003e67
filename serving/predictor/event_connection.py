"""One HTTP/1.1 connection to the receiver of events, over which requests are pipelined."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import cast

import httptools

BATCH = "application/cloudevents-batch+json"
_ACCEPT = b"accept"
_BATCH = BATCH.encode()


class EventConnection(asyncio.Protocol):
    """A connection, idle or waiting for the answers to what was sent last.

    Attributes:
        open: whether something can be sent.
        pipelines: whether the last answer promised to read what is sent before it answers.
        batches: whether the receiver would like batches, as its last answer to an event says.
    """

    def __init__(self, *, batches: bool) -> None:
        """Set up, for a receiver that is known to like batches or is not."""
        self.open = self.pipelines = False
        self.batches = batches
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._likes_batches = False
        self._left = self._taken = 0
        self._done: asyncio.Future[None] | None = None

    async def exchange(self, content: Iterable[bytes], requests: int, timeout: float) -> int:
        """Send some requests, if it is open still; return how many were answered with success.

        A receiver that is silent for some seconds, or speaks no HTTP, ends the connection.

        Args:
            content: the requests, in pieces.
            requests: how many they are.
            timeout: seconds that each answer may take.
        """
        if self._transport is None or not self.open:
            return 0
        self._left, self._taken = requests, 0
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(b"".join(content))
        while not self._done.done():
            before = self._left
            await asyncio.wait([self._done], timeout=timeout)
            if self._left == before:
                self.close()
        return self._taken

    def close(self) -> None:
        """End the connection; what waits for answers gets none."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()
        self._finish()

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Read on in the answers."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Note that no answer will come any more."""
        self.open = False
        self._finish()

    # What httptools calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one header that matters (RFC 9110, 12.5.1: what it would like next)."""
        if len(name) == len(_ACCEPT) and name.lower() == _ACCEPT:
            self._likes_batches |= _BATCH in value.lower()

    def on_headers_complete(self) -> None:
        """Take the answer for what its head says; its body tells nothing."""
        parser = self._parser
        status = parser.get_status_code()
        if status < 200:
            return
        self._left -= 1
        if status < 300:
            self._taken += 1
            self.batches = self._likes_batches
        self._likes_batches = False
        self.pipelines = self.pipelines or parser.get_http_version() == "1.1"
        if self._left < 0 or not (self.pipelines and parser.should_keep_alive()):
            self.close()
        elif not self._left:
            self._finish()
