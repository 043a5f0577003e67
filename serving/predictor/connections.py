"""One HTTP connection: uvicorn's, with bounds on what a client may send and how slowly."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from serving.predictor.faults import overloaded
from serving.predictor.replies import fault_reply

MAX_HEAD = 32 * 1024
"""Bytes of a request's path and headers."""
MAX_PIPELINED = 32
"""Requests that a connection may send before the first of them is answered."""
KEEP_ALIVE = 120
"""Seconds after which an idle connection is closed."""
READ_TIMEOUT = 15.0
"""Seconds within which a request must have arrived, and its answer been taken."""
ANSWER_TIMEOUT = 5.0
"""Seconds after that in which the application has to answer that it is late."""
NO_ROOM = "there are too many connections"

App = Callable[[Any, Any, Callable[[Any], Awaitable[None]]], Awaitable[None]]


async def refuse(_scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer any request of a connection that there is no room for."""
    reply = fault_reply(overloaded(NO_ROOM), [(b"connection", b"close")])
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


@dataclass
class Guard:
    """Bounds of all connections of a server, and the time as its sweeper last saw it."""

    max_connections: int
    refuse: App = refuse
    """Application that answers the requests of the connections above that."""
    now: float = field(default_factory=time.monotonic)


class Connection(HttpToolsProtocol):
    """A connection whose request heads, number and duration are bounded."""

    def __init__(self, guard: Guard, config: Config, state: ServerState) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._guard = guard
        self._head = 0
        self._in_head = False
        self._made = guard.now
        self._since: float | None = None
        """When the request began that is not complete yet; None if there is none."""
        self._stuck: float | None = None
        """When the client stopped taking its answer; None if it takes it."""

    @property
    def idle(self) -> bool:
        """Return whether no request is being read or answered."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self._since is None

    def connection_made(self, transport: Any) -> None:
        """Take a new connection, refuse its requests if there are too many."""
        super().connection_made(transport)
        surplus = len(self.connections) - self._guard.max_connections
        if surplus > self._guard.max_connections:
            transport.abort()
        elif surplus > 0:
            self.app = self._guard.refuse

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        self._head = 0
        self._in_head = True
        self._since = self._guard.now

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request over to the application, or queue it."""
        self._in_head = False
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self.transport.abort()

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or has too long a head, in JSON, and close."""
        status = 431 if self._head > MAX_HEAD else 400
        self._close_with(status, "the request's head is too long" if status == 431 else msg)

    def pause_writing(self) -> None:
        """Note that the client does not take its answer."""
        self._stuck = self._guard.now
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client takes its answer again."""
        self._stuck = None
        super().resume_writing()

    def sweep(self) -> None:
        """End the connection if its client takes too long; called now and then."""
        now = self._guard.now
        if self._stuck is not None and now - self._stuck > READ_TIMEOUT:
            self.transport.abort()
        elif self._since is not None and now - self._since > READ_TIMEOUT:
            self._end_late(now - self._since)
        elif self._since is None and self.cycle is None and now - self._made > KEEP_ALIVE:
            self.transport.close()

    def _end_late(self, waited: float) -> None:
        """End a request that does not arrive, with an answer if nothing was answered yet."""
        answered = self.cycle is None or self.cycle.response_complete
        if self._in_head and answered:
            self._close_with(408, "the request did not arrive in time")
        elif self._in_head or answered or waited > READ_TIMEOUT + ANSWER_TIMEOUT:
            self.transport.abort()
        else:
            self.cycle.message_event.set()  # the application gets nothing, and sees that it is late

    def _grow(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            raise ValueError("the head is too long")

    def _close_with(self, status: int, message: str) -> None:
        body = msgspec.json.encode({"error": message})
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: application/json\r\nconnection: close\r\n"
            + b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()
