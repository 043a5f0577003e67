"""The time by which answers are fast, and the series of counters that it begins.

Envoy keeps times, not fast answers: those are counted anew from all times whenever they are read.
With another objective their count jumps, without a request, so it belongs to another series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class HeldArm(Protocol):
    """An arm, as far as its objective goes."""

    @property
    def name(self) -> str:
        """Name of the arm."""
        ...

    @property
    def workload(self) -> str:
        """Name of its workload."""
        ...

    @property
    def version(self) -> str:
        """Version of its bundle, a number."""
        ...

    @property
    def latency(self) -> float:
        """Time within which it shall answer, seconds."""
        ...


@dataclass(frozen=True)
class Objective:
    """What the arms of a workload are held to.

    Attributes:
        seconds: answers that take less are fast.
        series: what tells counters of this objective from those of others, such as `50ms`.
    """

    seconds: float
    series: str


class Objectives:
    """The objective of each workload, as long as this process runs.

    An objective that comes back begins another series again: what was counted in between belongs
    to the other objective's, and would count twice.
    """

    def __init__(self) -> None:
        self._known: dict[str, Objective] = {}
        self._changes: dict[str, int] = {}

    def of(self, arms: Sequence[HeldArm]) -> dict[str, Objective]:
        """Return the objective of each arm.

        Arms of one workload are compared with each other, so all are held to what the newest
        declares.
        """
        newest: dict[str, float] = {}
        for arm in sorted(arms, key=lambda one: (len(one.version), one.version)):
            newest[arm.workload] = arm.latency
        return {arm.name: self._objective(arm.workload, newest[arm.workload]) for arm in arms}

    def _objective(self, workload: str, seconds: float) -> Objective:
        known = self._known.get(workload)
        if known is None or known.seconds != seconds:
            changes = self._changes[workload] = self._changes.get(workload, -1) + 1
            again = f"-{changes}" if changes else ""
            known = self._known[workload] = Objective(seconds, f"{seconds * 1000:g}ms{again}")
        return known
