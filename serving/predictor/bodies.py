"""Request bodies, read within bounds: of one body, and of all that are held at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from serving.predictor.faults import ClientFault, overloaded

Receive = Callable[[], Awaitable[Any]]


class Disconnected(Exception):  # noqa: N818
    """The client is gone before its request was complete."""


class Bodies:
    """Reads bodies; what it has handed out counts until it is given back."""

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

    async def read(self, receive: Receive, length: bytes | None) -> bytes:
        """Return the body of a request; `give_back` must be called with its size.

        Args:
            receive: ASGI's.
            length: value of the content-length header.

        Raises:
            ClientFault: it is too large, or there is no room for it now.
            Disconnected: the client is gone.
        """
        if length is not None and int(length) > self.max_size:
            raise self._too_large()
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        body: bytes = message["body"]
        if not message["more_body"]:
            self._take(len(body), len(body))
            return body
        return await self._read_on(receive, body)

    def give_back(self, size: int) -> None:
        """Let go of a body."""
        self.held -= size

    async def _read_on(self, receive: Receive, begun: bytes) -> bytes:
        body = bytearray()
        message: Any = {"type": "http.request", "body": begun, "more_body": True}
        try:
            while message["type"] == "http.request":
                part = message["body"]
                self._take(len(part), len(body) + len(part))
                body += part
                if not message["more_body"]:
                    return bytes(body)
                message = await receive()
            raise Disconnected
        except BaseException:
            self.held -= len(body)
            raise

    def _take(self, size: int, whole: int) -> None:
        if whole > self.max_size:
            raise self._too_large()
        if self.held + size > self.max_held:
            raise overloaded("there is no room for another request body")
        self.held += size

    def _too_large(self) -> ClientFault:
        return ClientFault(413, f"a body is at most {self.max_size} bytes", "")
