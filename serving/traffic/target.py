"""Where requests go: a gateway, or one predictor."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from millrace.addresses import without_credentials
from millrace.errors import ServingError
from millrace.settings import Settings
from serving.local.state import read_state
from serving.traffic.connection import Answer, Connection
from serving.traffic.encoding import get

_WAIT = 10.0
"""Seconds to wait for an answer about the model."""


@dataclass(frozen=True)
class Target:
    """An address and the name that requests carry there.

    Attributes:
        address: host name or address to connect to.
        port: its port.
        host: the Host header, by which a gateway finds the workload.
        prefix: what stands before /v2 in paths, without a slash at its end.
    """

    address: str
    port: int
    host: str
    prefix: str = ""

    @property
    def url(self) -> str:
        """Return the URL as a user would type it."""
        return f"http://{self.host}{self.prefix}"


def target_of(url: str, workload: str, settings: Settings) -> Target:
    """Return the target of a URL; without one, of the gateway that runs in this home.

    Where none runs, the settings say at which port it would. Names under .localhost are this
    machine, whatever its resolver thinks (RFC 6761).

    Raises:
        ServingError: the URL is none of http://HOST:PORT.
        MillraceError: what the platform of this home wrote cannot be understood.
    """
    given = url or f"http://{workload}.{settings.domain}:{_gateway_port(settings)}"
    try:
        parts = urlsplit(given)
        name, port = parts.hostname, parts.port or 80
        given.encode("ascii")
    except ValueError:
        name = None
    if name is None or parts.scheme != "http" or parts.query or any(c.isspace() for c in given):
        raise ServingError(
            "is no address of a gateway",
            where="--url",
            found=repr(without_credentials(url)),
            expected=f"http://HOST:PORT, such as http://{workload}.{settings.domain}:8080",
        )
    local = name == "localhost" or name.endswith(".localhost")
    host = parts.netloc.rpartition("@")[2]
    return Target("127.0.0.1" if local else name, port, host, parts.path.rstrip("/"))


def _gateway_port(settings: Settings) -> int:
    state = read_state(settings)
    return state.gateway_port if state else settings.gateway_port


async def ask(target: Target, path: str) -> Answer:
    """Return the answer to one GET request.

    Raises:
        ServingError: nobody answers.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Answer] = loop.create_future()

    def done(_connection: Connection, answer: Answer) -> None:
        if not answered.done():
            answered.set_result(answer)

    try:
        async with asyncio.timeout(_WAIT):
            _, connection = await loop.create_connection(
                lambda: Connection(keep_body=True), target.address, target.port
            )
            connection.send(get(target.host, target.prefix + path), done)
            answer = await answered
            connection.abort()
    except OSError as error:  # TimeoutError is one
        raise ServingError(
            f"nobody answers: {_problem(error)}",
            where=target.url,
            remedy="start the platform: `millrace up`",
        ) from error
    if not answer.status:
        raise ServingError(
            "the connection was closed without an answer",
            where=target.url,
            expected="an HTTP server",
        )
    return answer


def _problem(error: OSError) -> str:
    """Return an error of a connection in words that do not depend on the event loop."""
    if error.errno is None:
        return str(error) or "no answer in time"
    known = error.errno > 0 and not isinstance(error, socket.gaierror)
    return os.strerror(error.errno).lower() if known else f"{error.strerror}"
