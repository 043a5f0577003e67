"""What two arms did within an interval of time: bad events of all events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArmCounts:
    """What one arm did within an interval.

    Attributes:
        requests: answers of the arm, as the gateway counted them.
        errors: those of them that failed by the server's fault (5xx, gRPC likewise, no answer).
        slow: those of them that took longer than the objective.
        scores: predictions in each of the comparison bins, as the predictor counted them.
    """

    requests: int
    errors: int
    slow: int
    scores: tuple[int, ...] = ()


@dataclass(frozen=True)
class Interval:
    """Both arms within the same interval, through which the split did not change.

    Attributes:
        start: Unix time in seconds.
        end: Unix time in seconds.
        weight: share of all requests that the canary is given, 0 to 1.
        stable: counts of the stable arm.
        canary: counts of the canary arm.
    """

    start: float
    end: float
    weight: float
    stable: ArmCounts
    canary: ArmCounts
