"""Request bodies, read within bounds: of one body, and of all that are held at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from threading import Lock
from typing import Any

from serving.predictor.connections import READ_TIMEOUT
from serving.predictor.faults import ClientFault, overloaded

Receive = Callable[[], Awaitable[Any]]
DROPPED = 8
"""Times the greatest size: how much of a refused body is read, for its client to hear why."""


class Disconnected(Exception):  # noqa: N818
    """The client is gone before its request was complete."""


class Bodies:
    """Reads bodies; what it has handed out counts until it is given back.

    Bodies are read in the event loop; any thread may take room for one, and give it back.
    """

    def __init__(self, max_size: int, max_held: int) -> None:
        """Set up.

        Args:
            max_size: bytes of one body.
            max_held: bytes of all bodies of requests that are not answered yet.
        """
        self.max_size = max_size
        self.max_held = max_held
        self.held = 0
        """Bytes that are held now."""
        self._lock = Lock()

    async def read(
        self, receive: Receive, length: bytes | None, began: float, *, to_its_end: bool = False
    ) -> bytes:
        """Return the body of a request; `give_back` must be called with its size.

        Args:
            receive: ASGI's. It may bring nothing, so that a body that is late is noticed.
            length: value of the content-length header.
            began: when the request began, as a time of `time.perf_counter`.
            to_its_end: whether the rest of a refused body is read too, and dropped. A connection
                that closes while its client still sends is reset, and the answer is lost.

        Raises:
            ClientFault: it is too large, or late, or there is no room for it now.
            Disconnected: the client is gone.
        """
        if length is not None and int(length) > self.max_size:
            if to_its_end:
                await self._drop(receive, began)
            raise self.too_large()
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        body: bytes = message["body"]
        if not message["more_body"]:
            self.take(len(body))
            return body
        return await self._read_on(receive, body, began, to_its_end)

    def take(self, size: int) -> None:
        """Make room for a body that is there as a whole; `give_back` must be called with its size.

        Raises:
            ClientFault: it is too large, or there is no room for it now.
        """
        self._take(size, size)

    def give_back(self, size: int) -> None:
        """Let go of a body."""
        with self._lock:
            self.held -= size

    def too_large(self) -> ClientFault:
        """Return the fault of a request whose body is too large."""
        return ClientFault(413, f"a body is at most {self.max_size} bytes", "")

    async def _read_on(
        self, receive: Receive, begun: bytes, began: float, to_its_end: bool
    ) -> bytes:
        body = bytearray()
        message: Any = {"type": "http.request", "body": begun, "more_body": True}
        try:
            while message["type"] == "http.request":
                part = message["body"]
                self._take(len(part), len(body) + len(part))
                body += part
                if not message["more_body"]:
                    return bytes(body)
                if is_late(began):
                    raise ClientFault(408, "the request did not arrive in time", "")
                message = await receive()
            raise Disconnected
        except BaseException as error:
            self.give_back(len(body))
            if to_its_end and isinstance(error, ClientFault) and message["more_body"]:
                await self._drop(receive, began)
            raise

    async def _drop(self, receive: Receive, began: float) -> None:
        """Read to the end of a body, or until that is too far or too late, and keep none of it."""
        left = DROPPED * self.max_size
        while left > 0 and not is_late(began):
            message = await receive()
            if message["type"] != "http.request":
                raise Disconnected
            if not message["more_body"]:
                return
            left -= len(message["body"])

    def _take(self, size: int, whole: int) -> None:
        if whole > self.max_size:
            raise self.too_large()
        with self._lock:
            if self.held + size > self.max_held:
                raise overloaded("there is no room for another request body")
            self.held += size


def sends_to_the_end(version: str, given: Mapping[bytes, bytes]) -> bool:
    """Return whether a client sends its whole body, on a connection that its answer closes.

    Args:
        version: of HTTP.
        given: the request's headers, by name in lower case.
    """
    closes = given.get(b"connection", b"").lower() == b"close"
    return version == "1.0" or (closes and b"expect" not in given)


def is_late(began: float) -> bool:
    """Return whether a request that began at a time should have arrived by now."""
    return time.perf_counter() - began > READ_TIMEOUT
