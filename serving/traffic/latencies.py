"""Latencies in bounded memory: a histogram whose buckets are 2 % wide."""

from __future__ import annotations

import math

_SHORTEST = 1e-5
_GROWTH = math.log(1.02)
_BUCKETS = 900
"""From 10 microseconds to about 9 minutes."""


class Latencies:
    """Counts of latencies, from which quantiles come within 1 %."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one latency."""
        place = int(math.log(seconds / _SHORTEST) / _GROWTH) if seconds > _SHORTEST else 0
        self._counts[min(place, _BUCKETS - 1)] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def quantile(self, share: float) -> float | None:
        """Return the latency that this share of all stays at or below, in seconds.

        None without any latency.
        """
        wanted, seen = math.ceil(share * self.count), 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                middle = _SHORTEST * math.exp((place + 0.5) * _GROWTH)
                return min(middle, self.longest)
        return None
