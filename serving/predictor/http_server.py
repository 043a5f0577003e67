"""An HTTP server in the running event loop, which stops without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from email.utils import formatdate
from functools import partial
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from millrace.errors import ServingError
from serving.predictor.connections import KEEP_ALIVE, Connection, Guard
from serving.predictor.listening import drop_packets

LINGER = 0.2
"""Seconds that idle connections are kept after the listening socket was closed: what clients
had sent by then has arrived in this time."""
DRAIN_TIMEOUT = 20.0
"""Seconds that requests in progress may take after the listening socket was closed."""
TICK = 0.05


class HttpServer:
    """Serves an ASGI application on a bound socket."""

    def __init__(self, app: Any, bound: socket.socket, guard: Guard) -> None:
        """Set up.

        Args:
            app: the ASGI application.
            bound: a socket that is bound; it listens from `start` on.
            guard: bounds of its connections.
        """
        self._config = Config(
            app,
            loop="none",
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._config.load()
        self._bound = bound
        self._guard = guard
        self._state = ServerState()
        self._closing = False

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._factory = partial(Connection, self._guard, self._config, self._state)
        self._set_headers()
        self._listening = self._bound.dup()
        self._server = await loop.create_server(self._factory, sock=self._bound, backlog=2048)
        self._sweeper = loop.create_task(self._sweep())

    def say_goodbye(self) -> None:
        """Ask clients, in each answer from now on, to use another connection next time."""
        self._closing = True
        self._set_headers()

    async def stop(self) -> None:
        """Close the listening socket, answer what was sent before, then close all connections."""
        self.say_goodbye()
        self._server.close()
        await self._close_listening()
        await asyncio.sleep(LINGER)
        deadline = asyncio.get_running_loop().time() + DRAIN_TIMEOUT
        while self._connections():
            late = asyncio.get_running_loop().time() > deadline
            for connection in self._connections():
                if late:
                    connection.transport.abort()
                elif connection.idle:
                    connection.transport.close()
            await asyncio.sleep(TICK)
        self._sweeper.cancel()

    async def _close_listening(self) -> None:
        """Let the kernel make no more connections, take those that it has made, then close.

        Closing alone would reset the connections that wait, and lose what they have sent.
        """
        waiting: list[socket.socket] = []
        drop_packets(self._listening)
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting.append(self._listening.accept()[0])
        self._listening.close()
        for each in waiting:
            each.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(self._factory, each)

    def _connections(self) -> list[Connection]:
        return cast(list[Connection], list(self._state.connections))

    def _set_headers(self) -> None:
        headers = [(b"date", formatdate(usegmt=True).encode())]
        self._state.default_headers = [*headers, *[(b"connection", b"close")] * self._closing]

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._guard.now = time.monotonic()
            self._set_headers()
            for connection in self._connections():
                connection.sweep()


def bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a socket that is bound to an address, and does not listen yet.

    Args:
        host: an address, IPv4 or IPv6.
        port: a port.
        shared: whether other processes may bind to it too, to share its connections.

    Raises:
        ServingError: the address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ServingError(
            f"the address cannot be used: {error.strerror or error}",
            where=f"{host}:{port}",
            remedy="choose another --host or port",
        ) from error
    return bound
