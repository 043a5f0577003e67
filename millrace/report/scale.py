"""Scales: from a number to its place, and the round numbers to name along the way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from millrace.evaluation.result import Estimate


@dataclass(frozen=True)
class Scale:
    """A linear scale between two numbers."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return where a value stands, 0 at the low end and 1 at the high one, never outside."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def scale_around(values: Iterable[float], margin: float = 0.04) -> Scale:
    """Return a scale that holds all finite values, with a margin at both ends."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return Scale(low - room, high + room)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers between two numbers, about so many, 1, 2 or 5 times 10^n apart."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= 0.75 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


@dataclass(frozen=True)
class Whisker:
    """An estimate and its interval as places on a line, in percent of its length."""

    low: float
    at: float
    high: float


def whisker(estimate: Estimate, scale: Scale) -> Whisker | None:
    """Return where an estimate stands on a scale; None if a part of it is no number."""
    parts = (estimate.low, estimate.value, estimate.high)
    if not all(map(math.isfinite, parts)):
        return None
    low, at, high = (round(100 * scale.at(part), 2) for part in parts)
    return Whisker(low, at, high)
