"""One keep-alive HTTP/1.1 connection that carries one request at a time.

Written for load: what is sent was encoded before, and of an answer only the status and the header
that names the arm are kept. The measured server shares the machine, so a request may take little
processor time; HTTP clients for general use take too much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

_VERSION = b"x-model-version"


@dataclass(slots=True)
class Answer:
    """What came back for one request.

    Attributes:
        status: HTTP status; 0 if the connection ended before the whole answer was here.
        version: the header x-model-version; '' if there was none.
        heard: whether at least one byte of the answer came.
        body: the whole body, if the connection was made to keep it.
    """

    status: int
    version: str
    heard: bool
    body: bytes


Done = Callable[["Connection", Answer], None]


class Connection(asyncio.Protocol):
    """A connection, idle or waiting for one answer.

    Attributes:
        used: how many answers it has brought.
    """

    def __init__(self, *, keep_body: bool = False) -> None:
        self.used = 0
        self._keep_body = keep_body
        self._transport: asyncio.Transport | None = None
        self._done: Done | None = None
        self._begin()

    @property
    def usable(self) -> bool:
        """Return whether a request can be sent now."""
        transport = self._transport
        return transport is not None and self._done is None and not transport.is_closing()

    def send(self, request: bytes, done: Done) -> None:
        """Send an encoded request; `done` is called once, with the answer or what there was of it.

        Only a usable connection may be asked to.
        """
        assert self._transport is not None
        self._done = done
        self._begin()
        self._transport.write(request)

    def abort(self) -> None:
        """Close at once; a request that waits is done without an answer."""
        if self._transport is not None:
            self._transport.abort()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._version = b""
        self._heard = False
        self._complete = self._keep_alive = False
        self._body: list[bytes] = []

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Read on in the answer; finish the request when it is whole."""
        if self._done is None:
            self.abort()  # bytes that nobody asked for: this connection is out of step
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()
            return
        if self._complete:
            self.used += 1
            if not self._keep_alive:
                self._close()
            self._finish(self._parser.get_status_code())

    def connection_lost(self, _error: Exception | None) -> None:
        """Finish the request that waits, without an answer."""
        self._transport = None
        if self._done is not None:
            self._finish(0)

    # What httptools calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one header that says which arm answered."""
        if len(name) == len(_VERSION) and name.lower() == _VERSION:
            self._version = value

    def on_body(self, data: bytes) -> None:
        """Keep the body, if anybody wants it."""
        if self._keep_body:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """Note that the answer is whole, and whether another request may follow."""
        self._complete = True
        self._keep_alive = self._parser.should_keep_alive()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _finish(self, status: int) -> None:
        done, self._done = self._done, None
        if done is not None:
            answer = Answer(status, self._version.decode("latin-1"), self._heard, self._bytes())
            done(self, answer)

    def _bytes(self) -> bytes:
        return b"".join(self._body)
