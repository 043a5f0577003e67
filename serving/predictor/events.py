"""Every prediction as an event for whoever wants to hear, without keeping any answer waiting.

An answer is only noted. When the event loop comes round, after the answer was written, it becomes
an event, while its values are still in the processor's cache; a task sends what waits some ten
times a second. There is no thread, which would take the interpreter's lock from requests. What does
not fit into the bounded queue, or does not arrive, is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from itertools import islice

from serving.predictor.answering import InferAnswer, InferRequest
from serving.predictor.event_shape import Event, EventShape
from serving.predictor.event_sink import EventSink, SinkDown
from serving.predictor.logs import Log, Seldom
from serving.predictor.metrics import Metrics
from serving.predictor.model import Model

MAX_EVENTS = 8192
"""Events that may wait."""
MAX_BYTES = 64 * 1024 * 1024
"""Size of all events that wait."""
AT_ONCE = 16
"""Answers that are encoded before requests are answered again."""
ONE_SENDING = 128
"""Events that are on their way at once."""
INTERVAL = 0.1
"""Seconds between two rounds of sending."""
LONGEST_PAUSE = 5.0
"""Seconds that a receiver that cannot be reached is left alone at most."""
TIMEOUT = 2.0
"""Seconds that the receiver may take at a time, and for all that waits at shutdown."""


class Events:
    """A bounded queue of events, and the task that sends them."""

    def __init__(self, url: str, model: Model, metrics: Metrics, log: Log) -> None:
        """Set up.

        Args:
            url: receiver of the events.
            model: the model whose predictions they tell.
            metrics: where sent and dropped events are counted.
            log: where it is said that events are dropped.

        Raises:
            ServingError: the URL cannot be used.
        """
        self._shape = EventShape(model)
        self._sink = EventSink(url, self._shape, TIMEOUT)
        self._metrics = metrics
        self._dropping = Seldom(log, "events_dropped")
        self._loop = asyncio.get_running_loop()
        self._noted: deque[tuple[InferAnswer, float]] = deque()
        self._queue: deque[Event] = deque()
        self._size = 0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    def emit(self, request: InferRequest, answer: InferAnswer) -> None:  # noqa: ARG002
        """Take one answered request, or drop and count it."""
        if self._size > MAX_BYTES or len(self._queue) + len(self._noted) >= MAX_EVENTS:
            self._drop(1, "too many wait for the receiver")
            return
        if not self._noted:
            self._loop.call_soon(self._encode_noted)
        self._noted.append((answer, time.time()))

    async def close(self) -> None:
        """Send what waits, for at most TIMEOUT seconds; the rest is dropped and counted."""
        if self._task is None:
            return
        while self._noted:
            self._encode_noted()
        self._stopping.set()
        await asyncio.wait([self._task], timeout=TIMEOUT)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._drop(len(self._queue), "the predictor stops")
        self._queue.clear()
        self._sink.close()

    def _encode_noted(self) -> None:
        for _ in range(min(AT_ONCE, len(self._noted))):
            event = self._shape.event(*self._noted.popleft())
            self._size += len(event.data)
            self._queue.append(event)
        if self._noted:
            self._loop.call_soon(self._encode_noted)

    async def _run(self) -> None:
        pause, stopping = INTERVAL, False
        while not stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            stopping = self._stopping.is_set()
            try:
                await self._send_all()
                pause = INTERVAL
            except SinkDown:
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _send_all(self) -> None:
        """Send until nothing waits.

        Raises:
            SinkDown: the receiver cannot be reached; what waits goes on waiting.
        """
        while self._queue:
            chosen = list(islice(self._queue, ONE_SENDING))
            done, taken = 0, 0
            try:
                done, taken = await self._sink.send(chosen)
            except asyncio.CancelledError:
                done = len(chosen)
                raise
            finally:
                for _ in range(done):
                    self._size -= len(self._queue.popleft().data)
                self._metrics.events_sent(taken)
                self._drop(done - taken, "the receiver did not take them")

    def _drop(self, count: int, reason: str) -> None:
        if count:
            self._metrics.events_dropped(count)
            self._dropping.say(events=count, reason=reason)
