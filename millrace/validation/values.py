"""Read one value as a type of the contract: pure functions, for text and for native values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from millrace.validation.moments import TwiceError, moment_of_day, moment_of_text, moment_of_time
from millrace.workload.contract import Column

_INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INT64 = range(-(2**63), 2**63)

EXPECTED = {
    "string": "text",
    "category": "text",
    "integer": "an integer of 64 bits",
    "number": "a finite number",
    "boolean": "a boolean (true or false, yes or no, 1 or 0)",
    "timestamp": "a time as of ISO 8601",
}
"""What a value of each type is, for people."""


class UnreadableError(ValueError):
    """A value is not of the type that the contract names."""


def read_value(value: object, column: Column) -> object:
    """Return a value of a source in the contract's type, or None if it is missing.

    Blank text is missing, and so is a native NaN; white space around text does not count. A local
    time that clocks showed twice is taken as the first.

    Args:
        value: text, or what Python has for a native value.
        column: the type, and the time zone of times that name none.

    Returns:
        `str` for string and category, `int` for integer, `float` for number, `bool` for boolean,
        and for timestamp the microseconds since 1970 in UTC.

    Raises:
        UnreadableError: it is not of the type.
        ValueError, OverflowError: as well.
    """
    try:
        return read_exactly(value, column)
    except TwiceError as twice:
        return twice.first


def read_exactly(value: object, column: Column) -> object:
    """Return what `read_value` does, but for a local time that clocks showed twice.

    Raises:
        TwiceError: it is such a time.
        NeverError: it is a local time that no clock showed.
        UnreadableError, ValueError, OverflowError: as `read_value` does.
    """
    if isinstance(value, str):
        text = value.strip()
        return _FROM_TEXT[column.type](text, column) if text else None
    if isinstance(value, float | Decimal) and math.isnan(value):
        return None
    return _FROM_NATIVE[column.type](value, column)


def _text(text: str, _: Column) -> str:
    return text


def _integer(text: str, _: Column) -> int:
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise UnreadableError
    return _in_64_bits(int(match[1]))


def _number(text: str, _: Column) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise UnreadableError
    return _finite(float(text))


def _boolean(text: str, _: Column) -> bool:
    if text.lower() not in _BOOLEANS:
        raise UnreadableError
    return _BOOLEANS[text.lower()]


def _timestamp(text: str, column: Column) -> int:
    return moment_of_text(text, column.timezone)


def _native_text(value: object, _: Column) -> str:
    if not _is_whole(value):
        raise UnreadableError
    return str(value)


def _native_integer(value: object, _: Column) -> int:
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return _in_64_bits(int(value))
    if isinstance(value, int) and _is_whole(value):
        return _in_64_bits(value)
    raise UnreadableError


def _native_number(value: object, _: Column) -> float:
    if isinstance(value, float | Decimal) or (isinstance(value, int) and _is_whole(value)):
        return _finite(float(value))
    raise UnreadableError


def _native_boolean(value: object, _: Column) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise UnreadableError


def _native_timestamp(value: object, column: Column) -> int:
    if isinstance(value, datetime):
        return moment_of_time(value, column.timezone)
    if isinstance(value, date):
        return moment_of_day(value, column.timezone)
    raise UnreadableError


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _in_64_bits(number: int) -> int:
    if number not in _INT64:
        raise UnreadableError
    return number


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise UnreadableError
    return number


_FROM_TEXT: dict[str, Callable[[str, Column], object]] = {
    "string": _text,
    "category": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
}
_FROM_NATIVE: dict[str, Callable[[object, Column], object]] = {
    "string": _native_text,
    "category": _native_text,
    "integer": _native_integer,
    "number": _native_number,
    "boolean": _native_boolean,
    "timestamp": _native_timestamp,
}
