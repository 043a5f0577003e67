"""Raw samples of counters, per arm; each place that keeps them is a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """One counter as it was read at one time; never corrected for resets.

    Attributes:
        time: Unix time of the scrape, seconds.
        arm: name of the arm, such as `churn-v7`.
        instance: what counted: a process that starts at 0, and the objective where it decides what
            is counted, such as `envoy/50ms/4711` or `churn-v7/0/4712`. A restart is another
            instance, or a value that falls.
        counter: `requests`, `errors`, `fast` (answers within the objective), or `score/K` for
            predictions in comparison bin K.
        value: the counter.
    """

    time: float
    arm: str
    instance: str
    counter: str
    value: float


class MetricsSource(Protocol):
    """History of the counters of arms."""

    def samples(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        """Return the samples of some arms with since <= time <= until, in order of time.

        Raises:
            MetricsError: the source does not answer.
        """
        ...
