"""Lengths of time as people write and read them, such as `50ms`, `30d` or `1.5w`."""

from __future__ import annotations

import re
from datetime import timedelta

DURATION = r"^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$"
"""A regular expression of the durations that can be read."""
WITH_UNIT = "a number with a unit of ms, s, m, h, d or w"
"""What a duration is, in words."""
_UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST = 36_525 * _UNITS["d"]
"""Seconds of the longest duration: so far back from today there still is a date."""


def read_duration(text: str) -> timedelta:
    """Return the duration that a text says.

    Raises:
        ValueError: it says none, or one of more than a hundred years.
    """
    match = re.fullmatch(DURATION, text)
    if match is None:
        raise ValueError(f"a duration is {WITH_UNIT}, such as 30d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise ValueError("a duration is a hundred years at most, which are 36525d")
    return timedelta(seconds=seconds)


def duration_text(value: timedelta) -> str:
    """Return a duration as it is written, such as `50ms`: what reads back as the same."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        number = f"{seconds / _UNITS[unit]:.10g}"
        exact = timedelta(seconds=float(number) * _UNITS[unit]) == value
        if seconds >= _UNITS[unit] and "e" not in number and exact:
            return f"{number}{unit}"
    return f"{value / timedelta(milliseconds=1):.3f}".rstrip("0").rstrip(".") + "ms"


def rounded_text(value: timedelta, *, above: timedelta = timedelta(0)) -> str:
    """Return about how long a duration is, in three digits or as many more as tell it from a limit.

    Args:
        value: a duration of more than nothing.
        above: a limit that it exceeds, and that no rounding brings it back to.
    """
    seconds = value.total_seconds()
    unit = next((unit for unit in ("d", "h", "m", "s") if seconds >= _UNITS[unit]), "ms")
    for digits in range(3, 15):
        number = f"{seconds / _UNITS[unit]:.{digits}g}"
        if "e" not in number and float(number) * _UNITS[unit] > above.total_seconds():
            return f"{number}{unit}"
    return duration_text(value)
