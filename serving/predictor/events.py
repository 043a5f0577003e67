"""Every prediction as an event for whoever wants to hear, without keeping any answer waiting.

While a request is answered, its values are noted as an event. A task encodes and sends what waits,
ten times a second, or as soon as that fills a batch, in steps between which requests have their
turn. There is no thread, which would take the interpreter's lock from them. What does not fit into
the bounded queue, or does not arrive, is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable
from itertools import islice

from serving.predictor.answering import InferAnswer
from serving.predictor.event_data import Event, EventData
from serving.predictor.event_outputs import EventOutputs
from serving.predictor.event_sink import EventSink, SinkDown
from serving.predictor.logs import Log, Seldom
from serving.predictor.metrics import Metrics
from serving.predictor.model import Model

MAX_EVENTS = 8192
"""Events that may wait."""
MAX_BYTES = 64 * 1024 * 1024
"""Size of all events that wait."""
ONE_SENDING = 256
"""Events that are on their way at once, and as many as need not wait for more."""
ONE_SIZE = 4 * 1024 * 1024
"""About how many bytes are encoded at once, unless one event alone takes more."""
INTERVAL = 0.1
"""Seconds that an event waits for more."""
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
        self._data = EventOutputs(model) if model.signature.several else EventData(model)
        self._sink = EventSink(url, model, self._data, TIMEOUT)
        self._metrics = metrics
        self._dropping = Seldom(log, "events_dropped")
        self._queue: deque[Event] = deque()
        self._size = 0
        self._full = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    def emit(self, answer: InferAnswer) -> None:
        """Take one answer, or drop and count it."""
        waiting = len(self._queue)
        if self._size > MAX_BYTES or waiting >= MAX_EVENTS:
            self._drop(1, "too many wait for the receiver")
            return
        event = self._data.event(answer, time.time())
        self._size += event.size
        self._queue.append(event)
        if waiting == ONE_SENDING - 1:
            self._full.set()

    async def close(self) -> None:
        """Send what waits, for at most TIMEOUT seconds; the rest is dropped and counted."""
        if self._task is None:
            return
        self._stopping.set()
        self._full.set()
        await asyncio.wait([self._task], timeout=TIMEOUT)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._drop(len(self._queue), "the predictor stops")
        self._queue.clear()
        self._sink.close()

    async def _run(self) -> None:
        pause, signal, stopping = INTERVAL, self._full, False
        while not stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(signal.wait(), pause)
            self._full.clear()
            stopping = self._stopping.is_set()
            try:
                await self._send(len(self._queue))
                pause, signal = INTERVAL, self._full
            except SinkDown:
                pause, signal = min(2 * pause, LONGEST_PAUSE), self._stopping

    async def _send(self, count: int) -> None:
        """Send the first events of the queue.

        Not those that come meanwhile: under load they never end, and few at a time cost most.

        Raises:
            SinkDown: the receiver cannot be reached; what waits goes on waiting.
        """
        while count > 0:
            chosen = _first(islice(self._queue, min(count, ONE_SENDING)))
            done, taken = 0, 0
            try:
                done, taken = await self._sink.send(chosen)
            except asyncio.CancelledError:
                done = len(chosen)
                raise
            finally:
                for _ in range(done):
                    self._size -= self._queue.popleft().size
                self._metrics.events_sent(taken)
                self._drop(done - taken, "the receiver did not take them")
            count -= done

    def _drop(self, count: int, reason: str) -> None:
        if count:
            self._metrics.events_dropped(count)
            self._dropping.say(events=count, reason=reason)


def _first(events: Iterable[Event]) -> list[Event]:
    """Return the first event, and those after it that together are not too large."""
    chosen: list[Event] = []
    size = 0
    for event in events:
        size += event.size
        if chosen and size > ONE_SIZE:
            break
        chosen.append(event)
    return chosen
