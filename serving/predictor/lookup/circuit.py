"""Do not hammer a store that is down: after some failures, ask it only now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from serving.predictor.lookup.base import Key, OnlineStore, OnlineStoreDown, Values

FAILURES = 3
"""Failures in a row after which the store counts as down."""
FIRST_PAUSE = 0.1
"""Seconds in which a store that is down is not asked; doubled while it stays down."""
LONGEST_PAUSE = 2.0


class Circuit:
    """An online store that fails at once while the one behind it is known to be down."""

    def __init__(self, store: OnlineStore, clock: Callable[[], float] = time.monotonic) -> None:
        """Guard a store."""
        self._store = store
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until = 0.0
        self._last: OnlineStoreDown | None = None

    async def start(self) -> None:
        """See `OnlineStore.start`."""
        await self._store.start()

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        """See `OnlineStore.read`; while the store is down, one request in a pause asks it."""
        known = self._last
        if known is not None:
            now = self._clock()
            if now < self._until:
                raise OnlineStoreDown(known.problem, where=known.where)
            self._until = now + self._pause
        try:
            found = await self._store.read(keys, views)
        except OnlineStoreDown as error:
            self._fail(error, known)
            raise
        self._failures = 0
        self._last = None
        self._pause = FIRST_PAUSE
        return found

    async def close(self) -> None:
        """See `OnlineStore.close`."""
        await self._store.close()

    def _fail(self, error: OnlineStoreDown, known: OnlineStoreDown | None) -> None:
        self._failures += 1
        if self._failures < FAILURES or (known is None and self._last is not None):
            return
        if known is not None:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._last = error
        self._until = self._clock() + self._pause
