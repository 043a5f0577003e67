"""Send requests over as many keep-alive connections as are under way at once."""

from __future__ import annotations

import asyncio
import os
import time

from serving.traffic.connection import Answer, Connection
from serving.traffic.ledger import Ledger
from serving.traffic.mix import Request
from serving.traffic.target import Target


class HttpSender:
    """Sends HTTP requests and counts what becomes of them.

    A server may close a kept connection at any time, also just when a request is on its way. Such
    a request was not heard, so it is sent again, once, on a new connection, as every HTTP client
    does (RFC 9112, section 9.3.1), and counted as retried. One that fails on a new connection, or
    of whose answer a part came, is lost.
    """

    def __init__(self, target: Target, ledger: Ledger, wait: float) -> None:
        """Set up.

        Args:
            target: where to send.
            ledger: where to count.
            wait: seconds after which a request without an answer is lost.
        """
        self._target = target
        self._ledger = ledger
        self._wait = wait
        self._idle: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._open: set[Connection] = set()
        self._closing = False
        self.unanswered = 0

    def send(self, request: Request, since: float) -> None:
        """Send a request; its latency counts from `since`, a time of perf_counter."""
        self.unanswered += 1
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._put(connection, request, since)
                return
            self._open.discard(connection)
        self._on_new_connection(request, since)

    async def close(self) -> None:
        """Close all connections; what waits for an answer is lost."""
        self._closing = True
        for task in [*self._opening]:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in [*self._open]:
            connection.abort()
        while self.unanswered:
            await asyncio.sleep(0)

    def _on_new_connection(self, request: Request, since: float) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(request, since))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if task.cancelled():
            self._lose("no connection in time")

    async def _connect(self, request: Request, since: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._wait):
                _, connection = await loop.create_connection(
                    Connection, self._target.address, self._target.port
                )
        except TimeoutError:
            self._lose("no connection in time")
        except OSError as error:
            self._lose(os.strerror(error.errno).lower() if error.errno else "no connection")
        else:
            self._open.add(connection)
            if connection.usable:
                self._put(connection, request, since)
            else:
                self._lose("closed without an answer")

    def _put(self, connection: Connection, request: Request, since: float) -> None:
        fresh = not connection.used
        waited_too_long = False

        def give_up() -> None:
            nonlocal waited_too_long
            waited_too_long = True
            connection.abort()

        def done(connection: Connection, answer: Answer) -> None:
            timer.cancel()
            if connection.usable:
                self._idle.append(connection)
            else:
                self._open.discard(connection)
            if answer.status:
                self.unanswered -= 1
                seconds = time.perf_counter() - since
                self._ledger.answer(str(answer.status), answer.version, seconds)
            elif waited_too_long or self._closing:
                self._lose("no answer in time")
            elif answer.heard or fresh:
                self._lose(f"closed {'within' if answer.heard else 'without'} an answer")
            else:
                self._ledger.retried += 1
                self._on_new_connection(request, since)

        timer = asyncio.get_running_loop().call_later(self._wait, give_up)
        connection.send(request.content, done)

    def _lose(self, why: str) -> None:
        self.unanswered -= 1
        self._ledger.lost[why] += 1
