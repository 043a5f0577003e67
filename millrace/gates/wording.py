"""Numbers as people read them, never rounded to the wrong side of a limit."""

from __future__ import annotations

from millrace.evaluation.result import Estimate


def metric(value: float, *, limit: float | None = None) -> str:
    """Return a metric with three decimals, or more next to a limit."""
    return _rounded(value, "z.{}f", 3, limit)


def difference(value: float, *, limit: float | None = None) -> str:
    """Return a difference of metrics with its sign and four decimals, or more next to a limit."""
    return _rounded(value, "+z.{}f", 4, limit)


def quantity(value: float, *, limit: float | None = None) -> str:
    """Return a number with three significant digits, or more next to a limit."""
    return _rounded(value, ".{}g", 3, limit)


def interval(estimate: Estimate, *, limit: float | None = None) -> str:
    """Return the interval of a metric, its lower bound next to a limit."""
    return f"95 % interval {metric(estimate.low, limit=limit)} to {metric(estimate.high)}"


def seconds(value: float, *, limit: float | None = None) -> str:
    """Return a duration in the unit that suits it."""
    units = (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
    name, scale = next((unit for unit in units if value * unit[1] >= 1), units[-1])
    return f"{quantity(value * scale, limit=None if limit is None else limit * scale)} {name}"


def size(value: int, *, limit: int | None = None) -> str:
    """Return a number of bytes in the unit that suits it."""
    units = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("bytes", 1))
    name, scale = next((unit for unit in units if value >= unit[1]), units[-1])
    return f"{quantity(value / scale, limit=None if limit is None else limit / scale)} {name}"


def _rounded(value: float, form: str, digits: int, limit: float | None) -> str:
    """Return the value with so many digits, or with as many more as its side of a limit needs."""
    for more in range(digits, 20):
        text = format(value, form.format(more))
        shown = float(text)
        if limit is None or (shown > limit, shown < limit) == (value > limit, value < limit):
            return text
    return repr(value)
