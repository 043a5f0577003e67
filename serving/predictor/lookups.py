"""Features from the online store as columns of the model, without holding up other requests.

Reading takes the event loop's time, so many rows are read in portions of about a millisecond, and
in between others have their turn. Of all requests that bring many rows, one reads at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from serving.predictor.lookup.base import Key, OnlineStore, OnlineStoreDown, Value
from serving.predictor.model import Column

VALUES_AT_ONCE = 1024
"""Values that are read before others have their turn."""


class OnlineStoreLate(OnlineStoreDown):
    """The online store answers, but not for so many rows in time."""


@dataclass(frozen=True)
class Needs:
    """What the online store shall bring for some rows."""

    views: tuple[int, ...]
    """Positions in the lookup plan."""
    width: int
    """Values that these views have for a row."""
    keys: tuple[str, ...]
    """Join keys of these views."""
    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Return the names of all features."""
        return self.numbers + self.categories


class Lookups:
    """Reads features from an online store."""

    def __init__(self, store: OnlineStore, timeout: float) -> None:
        """Set up.

        Args:
            store: the online store.
            timeout: seconds that a request may wait for it.
        """
        self._store = store
        self._timeout = timeout
        self._turn = asyncio.Lock()

    def deadline(self) -> float:
        """Return the time of the event loop until which a request that begins now may read."""
        return asyncio.get_running_loop().time() + self._timeout

    async def read(
        self,
        needs: Needs,
        keys: Mapping[str, Sequence[Key]],
        rows: int,
        deadline: float | None = None,
    ) -> dict[str, Column]:
        """Return the features of some rows.

        Args:
            needs: which ones.
            keys: values of each join key, one a row.
            rows: how many.
            deadline: until when, for a request that reads more than once.

        Raises:
            OnlineStoreDown: the store does not answer.
            OnlineStoreLate: it does, but not in time.
        """
        portion = max(1, VALUES_AT_ONCE // needs.width)
        if rows <= portion and deadline is None:
            return _columns(needs, await self._store.read(keys, needs.views))
        parts = []
        try:
            async with asyncio.timeout_at(deadline or self.deadline()), self._turn:
                for start in range(0, rows, portion):
                    some = {name: keys[name][start : start + portion] for name in needs.keys}
                    parts.append(_columns(needs, await self._store.read(some, needs.views)))
                    await asyncio.sleep(0)
        except TimeoutError as error:
            raise OnlineStoreLate(
                f"the features of {rows} rows were not read within {self._timeout * 1000:g} ms",
                remedy="send fewer rows at once, or choose a longer --lookup-timeout",
            ) from error
        return {name: np.concatenate([part[name] for part in parts]) for name in needs.features}


def _columns(needs: Needs, read: Mapping[str, Sequence[Value]]) -> dict[str, Column]:
    """Return what the store holds as columns of the model, None for missing.

    All columns of a kind are made at once: for few rows, making an array is what takes the time.
    """
    found: dict[str, Column] = {}
    if names := needs.numbers:
        numbers = [value for name in names for value in read[name]]
        held = np.array(numbers, np.float64).astype(np.float32)
        found.update(zip(names, held.reshape(len(names), -1, 1), strict=True))
    if names := needs.categories:
        texts = [value or "" for name in names for value in read[name]]
        found.update(zip(names, np.array(texts, object).reshape(len(names), -1, 1), strict=True))
    return found
