"""Numbers as people read them, never rounded to the wrong side of a limit."""

from __future__ import annotations

from millrace.evaluation.result import Estimate

_DIGITS = 3
"""Significant digits that are enough unless a limit is near."""


def number(value: float, *, limit: float | None = None) -> str:
    """Return a number with few digits, and more where it would read as equal to a limit."""
    for digits in range(_DIGITS, 17):
        text = f"{value:.{digits}g}"
        shown = float(text)
        if limit is None or value == limit:
            return text
        if shown != limit and (shown > limit) == (value > limit):
            return text
    return repr(value)


def signed(value: float, *, limit: float | None = None) -> str:
    """Return a difference with its sign."""
    text = number(value, limit=limit)
    return text if text.startswith("-") else f"+{text}"


def interval(estimate: Estimate) -> str:
    """Return the interval of a metric."""
    return f"95 % interval {number(estimate.low)} to {number(estimate.high)}"


def seconds(value: float, *, limit: float | None = None) -> str:
    """Return a duration in the unit that suits it."""
    name, scale = next(
        ((name, scale) for name, scale in (("s", 1.0), ("ms", 1e3)) if value * scale >= 1),
        ("µs", 1e6),
    )
    return f"{number(value * scale, limit=None if limit is None else limit * scale)} {name}"


def size(value: int, *, limit: int | None = None) -> str:
    """Return a number of bytes in the unit that suits it."""
    name, scale = next(
        (unit for unit in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)) if value >= unit[1]),
        ("bytes", 1),
    )
    return f"{number(value / scale, limit=None if limit is None else limit / scale)} {name}"
