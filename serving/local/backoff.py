"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import time

FIRST = 0.25
LONGEST = 30.0
STEADY = 30.0
"""Seconds of working after which earlier failures are forgotten."""


class Backoff:
    """Waits that double from failure to failure; the first try after a good time is immediate."""

    def __init__(self) -> None:
        self._failures = 0
        self._began = time.monotonic()

    def begin(self) -> None:
        """Note that another try begins."""
        self._began = time.monotonic()

    def failed(self) -> float:
        """Note that the try has failed, and return the seconds to wait before the next."""
        if time.monotonic() - self._began >= STEADY:
            self._failures = 0
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return float(min(FIRST * 2 ** (self._failures - 2), LONGEST))
