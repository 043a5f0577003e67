"""One connection to a Redis that all requests share, in version 2 of Redis' protocol.

Redis answers commands in their order (https://redis.io/docs/latest/develop/reference/protocol-spec),
so commands are written as they come, without waiting for the answers to those before. What requests
of one turn of the event loop write leaves the process together. hiredis reads the answers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hiredis

Reply = Any
"""bytes, int, None, a list of these, or hiredis.ReplyError."""
SILENCE = 1.0
"""Seconds after which a connection on which nothing is answered is given up."""
CONNECT_SECONDS = 2.0
_TICK = 0.001
"""Seconds by which timers of event loops may be early."""
_NOTHING = object()


class RedisDown(Exception):  # noqa: N818
    """There is no connection, or no answer in time."""


@dataclass(frozen=True)
class RedisPlace:
    """Where a Redis is, and who may use it.

    Attributes:
        host: name or address.
        port: TCP port.
        db: number of the database.
        username: user of the access control list; empty for the default user.
        password: empty for none.
        tls: whether the connection is encrypted; the certificate has to fit the host.
        ca_certs: file of the certificates that are trusted; empty for the system's.
    """

    host: str
    port: int = 6379
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_certs: str = ""

    def security(self) -> ssl.SSLContext | None:
        """Return what encrypts the connection, None if nothing does.

        Raises:
            OSError: the certificates cannot be read.
        """
        return ssl.create_default_context(cafile=self.ca_certs or None) if self.tls else None

    def greeting(self) -> list[bytes]:
        """Return the commands with which a connection begins."""
        commands = []
        if self.password:
            user = [self.username.encode()] if self.username else []
            commands.append(packed(b"AUTH", *user, self.password.encode()))
        if self.db:
            commands.append(packed(b"SELECT", b"%d" % self.db))
        return commands


def packed(*parts: bytes) -> bytes:
    """Return a command as it is sent."""
    return b"*%d\r\n%b" % (len(parts), b"".join(map(bulk, parts)))


def bulk(part: bytes) -> bytes:
    """Return one part of a command as it is sent."""
    return b"$%d\r\n%b\r\n" % (len(part), part)


@dataclass(slots=True, eq=False)
class _Asked:
    """Commands whose answers have not all come."""

    left: int
    replies: list[Reply]
    future: asyncio.Future[list[Reply]]
    deadline: float


class Connection(asyncio.Protocol):
    """An open connection; it fails everyone who waits when it ends."""

    def __init__(self, timeout: float) -> None:
        """Set up.

        Args:
            timeout: seconds that answers may take.
        """
        self.timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._unanswered: deque[_Asked] = deque()
        self._due: deque[_Asked] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._transport: Any = None
        self.open = False
        """Whether commands can be sent."""

    def ask(self, commands: bytes, count: int) -> asyncio.Future[list[Reply]]:
        """Send some commands, `count` of them; return what will be their answers, in order.

        The future raises RedisDown if they do not come in time, or the connection ends.
        """
        future = self._loop.create_future()
        now = self._loop.time()
        asked = _Asked(count, [], future, now + self.timeout)
        if not self._unanswered:
            self._heard = now
        self._unanswered.append(asked)
        self._due.append(asked)
        if self._timer is None:
            self._timer = self._loop.call_at(asked.deadline, self._look_at_clock)
        self._transport.write(commands)
        return future

    def abort(self) -> None:
        """End the connection at once."""
        self.open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = transport
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Give those who wait their answers."""
        self._heard = self._loop.time()
        waiting, reader = self._unanswered, self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _NOTHING:
                asked = waiting[0]
                asked.replies.append(reply)
                asked.left -= 1
                if not asked.left:
                    waiting.popleft()
                    if not asked.future.done():
                        asked.future.set_result(asked.replies)
        except (hiredis.HiredisError, IndexError):  # no Redis, or answers that nobody asked for
            self._fail("it does not speak as Redis does")
            self.abort()
        due = self._due
        while due and due[0].future.done():
            due.popleft()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail those who wait."""
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        self._fail(str(error) if error else "it ended the connection")

    def _look_at_clock(self) -> None:
        """Fail those whose answers are due; end a connection that has been silent for long.

        One timer serves all, for everyone may wait equally long.
        """
        self._timer = None
        now, due = self._loop.time(), self._due
        while due and (due[0].deadline <= now + _TICK or due[0].future.done()):
            future = due.popleft().future
            if not future.done():
                future.set_exception(RedisDown(f"no answer in {self.timeout * 1000:g} ms"))
        if self._unanswered and now - self._heard >= SILENCE:
            self.abort()
        elif due or self._unanswered:
            at = due[0].deadline if due else self._heard + SILENCE
            self._timer = self._loop.call_at(at, self._look_at_clock)

    def _fail(self, problem: str) -> None:
        for asked in self._unanswered:
            if not asked.future.done():
                asked.future.set_exception(RedisDown(problem))
        self._unanswered.clear()
        self._due.clear()


class RedisClient:
    """A Redis, connected again whenever the connection ended."""

    def __init__(self, place: RedisPlace, timeout: float) -> None:
        """Set up, without connecting.

        Args:
            place: where it is.
            timeout: seconds that answers may take.

        Raises:
            OSError: the certificates of its place cannot be read.
        """
        self._place = place
        self._timeout = timeout
        self._greeting = place.greeting()
        self._security = place.security()
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None

    async def start(self) -> None:
        """Connect.

        Raises:
            RedisDown: that was not possible.
        """
        await self._connect_aside(CONNECT_SECONDS)

    async def ask(self, commands: bytes, count: int) -> Sequence[Reply]:
        """Return the answers to some commands that only read, `count` of them.

        Raises:
            RedisDown: they did not come in time.
        """
        connection, loop = self._connection, asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        if connection is None or not connection.open:
            connection = await self._connect_aside(self._timeout)
        try:
            return await connection.ask(commands, count)
        except RedisDown:
            if connection.open or self._connection is not connection:
                raise
        # It ended, perhaps only because it was long idle: one more attempt in the same time.
        connection = await self._connect_aside(deadline - loop.time())
        try:
            async with asyncio.timeout_at(deadline):
                return await connection.ask(commands, count)
        except TimeoutError as error:
            raise RedisDown(f"no answer in {self._timeout * 1000:g} ms") from error

    async def close(self) -> None:
        """End the connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._connection is not None and self._connection.open:
            self._connection.abort()

    async def _connect_aside(self, patience: float) -> Connection:
        """Wait for a connection; one that takes longer is still opened, for later requests."""
        connecting = self._begin_to_connect()
        done, _ = await asyncio.wait([connecting], timeout=patience)
        if not done:
            raise RedisDown(f"no connection in {patience * 1000:g} ms")
        return connecting.result()

    def _begin_to_connect(self) -> asyncio.Task[Connection]:
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(_hear)
        return self._connecting

    async def _connect(self) -> Connection:
        loop, place = asyncio.get_running_loop(), self._place
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: Connection(CONNECT_SECONDS), place.host, place.port, ssl=self._security
                )
        except (OSError, TimeoutError) as error:
            raise RedisDown(str(error) or "no connection in time") from error
        if self._greeting:
            replies = await connection.ask(b"".join(self._greeting), len(self._greeting))
            refused = next((r for r in replies if isinstance(r, hiredis.HiredisError)), None)
            if refused is not None:
                connection.abort()
                raise RedisDown(str(refused))
        connection.timeout = self._timeout
        self._connection = connection
        return connection


def _hear(connecting: asyncio.Task[Connection]) -> None:
    """Take note of a failure that nobody waited for."""
    if not connecting.cancelled():
        connecting.exception()
