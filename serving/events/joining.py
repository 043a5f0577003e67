"""Which halves of requests wait for their other half: bounded in time, number and size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from serving.events.halves import Half, Key, Kind, other

MOST_HALVES = 32_768
MOST_BYTES = 64 * 2**20
"""Of all that wait; the oldest then waits no longer."""
MOST_SEEN = 65_536
"""Halves that are known again if they come twice."""


class Joiner:
    """Keeps the halves that wait, oldest first, and knows those that came lately."""

    def __init__(self, within: float, most: int = MOST_HALVES, most_bytes: int = MOST_BYTES):
        """Set up.

        Args:
            within: seconds that a half waits.
            most: halves that wait at once.
            most_bytes: bytes of them.
        """
        self._within = within
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: OrderedDict[tuple[Key, Kind], tuple[float, Half]] = OrderedDict()
        self._seen: OrderedDict[tuple[Key, Kind, str], None] = OrderedDict()
        self.size = 0
        """Bytes of what waits."""

    def __len__(self) -> int:
        return len(self._waiting)

    def halves(self) -> Iterable[Half]:
        """Return what waits, oldest first."""
        return (half for _, half in self._waiting.values())

    def knows(self, half: Half) -> bool:
        """Return whether this very half came before.

        Of two requests to which a client gave one id, the times differ.
        """
        return (half.key, half.kind, half.time) in self._seen

    def partner(self, half: Half) -> Half | None:
        """Return the other half, if it waits."""
        return self._find(half.key, other(half.kind))

    def displaced(self, half: Half) -> list[Half]:
        """Return what waits no longer if this one does: for its place, or for want of room."""
        same = self._find(half.key, half.kind)
        found = [] if same is None else [same]
        count, size = len(self) - len(found), self.size - sum(one.size for one in found)
        for oldest in self.halves():
            if count < self._most and size + half.size <= self._most_bytes:
                break
            if oldest is not same:
                found.append(oldest)
                count, size = count - 1, size - oldest.size
        return found

    def wait(self, half: Half, now: float) -> None:
        """Let a half wait."""
        self._waiting[half.key, half.kind] = (now + self._within, half)
        self.size += half.size
        self.note(half)

    def note(self, half: Half) -> None:
        """Know this half if it comes again."""
        self._seen[half.key, half.kind, half.time] = None
        if len(self._seen) > MOST_SEEN:
            self._seen.popitem(last=False)

    def forget(self, half: Half) -> None:
        """Let a half wait no longer."""
        del self._waiting[half.key, half.kind]
        self.size -= half.size

    def due(self, now: float) -> list[Half]:
        """Return what has waited long enough."""
        found = []
        for end, half in self._waiting.values():
            if end > now:
                break
            found.append(half)
        return found

    def _find(self, key: Key, kind: Kind) -> Half | None:
        found = self._waiting.get((key, kind))
        return None if found is None else found[1]
