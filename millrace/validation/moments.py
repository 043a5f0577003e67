"""Read a time as a moment, by the clocks of a time zone where it names no offset itself."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"""[0-9]{4}-[0-9]{2}-[0-9]{2}
        (?P<extended> [T\ ] [0-9]{2}:[0-9]{2} (?: :[0-9]{2} (?:[.,][0-9]+)? )?
           (?:\ ? (?: Z | [+-][0-9]{2} (?: :?[0-9]{2} )? ) )?
        )?
      | [0-9]{8} (?P<basic> T[0-9]{4} (?:[0-9]{2})? (?: Z | [+-][0-9]{4} )? )?""",
    re.VERBOSE,
)
"""The spellings of ISO 8601 that name a day or a moment: extended, and basic."""
_SPACE_BEFORE_ZONE = re.compile(r" (?=[Z+-])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class NeverError(ValueError):
    """No clock of the time zone showed this local time: they were put forward over it."""


class TwiceError(Exception):
    """The clocks of the time zone showed this local time twice: they were put back over it."""

    def __init__(self, first: int) -> None:
        """Keep the first of the two moments, in microseconds since 1970."""
        super().__init__(first)
        self.first = first


def moment_of_text(text: str, timezone: str) -> int:
    """Return a text of ISO 8601 as microseconds since 1970 in UTC; a day is its beginning.

    Raises:
        TwiceError: it names no offset, and may be either of two moments.
        NeverError: it names no offset, and there was no such time.
        ValueError, OverflowError: it is no time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError
    time = datetime.fromisoformat(_SPACE_BEFORE_ZONE.sub("", text))
    if match["extended"] or match["basic"]:
        return moment_of_time(time, timezone)
    return moment_of_day(time, timezone)


def moment_of_time(time: datetime, timezone: str) -> int:
    """Return a time as microseconds since 1970 in UTC; it raises as `moment_of_text` does."""
    if time.tzinfo is not None:
        return _microseconds(time)
    if timezone == "UTC":
        return _microseconds(time.replace(tzinfo=UTC))
    local = time.replace(tzinfo=_zone(timezone))
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()  # PEP 495
    if first == second or first is None or second is None:
        return _microseconds(local)
    if first < second:
        raise NeverError
    raise TwiceError(_microseconds(local))


def moment_of_day(day: date, timezone: str) -> int:
    """Return the first moment of a day, also where its midnight is skipped or comes twice."""
    local = datetime(day.year, day.month, day.day, tzinfo=_zone(timezone))
    return _microseconds(local)


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
