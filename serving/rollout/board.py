"""What the controller makes of everything, kept for whoever asks it over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from serving.rollout.status import RolloutStatus

STALLED = 300.0
"""Seconds without a turn after which the loop is taken for stuck: a turn that reads a day of
samples anew from a slow Prometheus takes a minute or two."""


@dataclass(frozen=True)
class Turns:
    """How the loop goes.

    Attributes:
        rounds: how often it turned.
        failures: by kind, what failed since the start.
        since_turn: seconds since it last turned, or since the start.
        since_look: seconds since the deploy repository last answered, or since the start.
    """

    rounds: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    since_turn: float = 0.0
    since_look: float = 0.0


class Board:
    """The last status of each workload, and how the loop goes; any thread may ask."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, stalled: float = STALLED
    ) -> None:
        """Take a clock in seconds, and the seconds after which the loop is taken for stuck."""
        self._clock = clock
        self._stalled = stalled
        self._lock = threading.Lock()
        self._statuses: dict[str, RolloutStatus] = {}
        self._told: set[str] = set()
        self._turned = self._looked = clock()
        self._rounds = 0
        self._failures: dict[str, int] = {}

    def tell(self, status: RolloutStatus) -> None:
        """Take the status of a workload."""
        with self._lock:
            self._statuses[status.workload] = status
            self._told.add(status.workload)

    def turned(self, *, looked: bool, failures: Mapping[str, int]) -> None:
        """Note that the loop turned; workloads of which a good look told nothing are gone.

        Args:
            looked: whether the deploy repository answered.
            failures: by kind, what failed since the start.
        """
        with self._lock:
            self._rounds += 1
            self._turned = self._clock()
            self._failures = dict(failures)
            if looked:
                self._looked = self._turned
                self._statuses = {name: self._statuses[name] for name in sorted(self._told)}
                self._told = set()

    def statuses(self) -> list[RolloutStatus]:
        """Return the last status of each workload."""
        with self._lock:
            return [self._statuses[name] for name in sorted(self._statuses)]

    def turns(self) -> Turns:
        """Return how the loop goes."""
        with self._lock:
            now = self._clock()
            return Turns(self._rounds, self._failures, now - self._turned, now - self._looked)

    def stuck(self) -> str:
        """Return why the loop is taken for stuck; empty if it turns."""
        silent = self.turns().since_turn
        if silent <= self._stalled:
            return ""
        return f"the loop has not turned for {silent:.0f} s, longer than {self._stalled:.0f} s"
