"""One thread for what would hold up the event loop, and how much may wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.predictor.faults import overloaded

T = TypeVar("T")

_FORGETS = 0.2
"""Share of the newest measurement in what a unit of work is expected to take."""


class Pace:
    """Seconds that a unit of some kind of work is expected to take: a row, or a byte."""

    def __init__(self, seconds: float) -> None:
        """Begin with what is expected until it is measured."""
        self.seconds = seconds

    def learn(self, units: int, took: float) -> None:
        """Take note of how long some units took."""
        self.seconds += _FORGETS * (took / units - self.seconds)


class Aside:
    """Runs one work after another in a thread; refuses what would wait too long.

    What waits is measured in seconds of work, not in requests alone: a few batches for a slow
    model are a longer queue than hundreds of single rows for a quick one.
    """

    def __init__(self, most: int, patience: float) -> None:
        """Set up.

        Args:
            most: works that may wait at once.
            patience: seconds of work that may wait before one more is refused.
        """
        self._most = most
        self._patience = patience
        self._waiting = 0
        self._seconds = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")

    async def run(self, work: Callable[[], T], units: int, pace: Pace) -> T:
        """Return what some work returns, after those before it.

        Args:
            work: what to do in the thread.
            units: how much that is.
            pace: how long each is expected to take; it learns from how long they took.

        Raises:
            ClientFault: too many wait already, or for too long.
        """
        if self._waiting >= self._most or self._seconds > self._patience:
            raise overloaded()
        expected = units * pace.seconds
        self._waiting += 1
        self._seconds += expected
        try:
            found, took = await asyncio.get_running_loop().run_in_executor(
                self._thread, _timed, work
            )
        finally:
            self._waiting -= 1
            self._seconds = max(0.0, self._seconds - expected) if self._waiting else 0.0
        pace.learn(units, took)
        return found

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start
