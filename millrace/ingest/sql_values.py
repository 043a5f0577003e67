"""The Arrow type of what a database gave, the same in whatever order the rows came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_EXACT = 2**53
"""Integers up to here are exact as floating-point numbers."""
_DECIMAL_DIGITS = 76
"""The most that Arrow's widest decimal holds."""


class SqlColumn:
    """One column of a query, gathered part by part.

    Where a column mixes types, as SQLite allows, every value becomes text, which validation then
    reads value by value. Integers beside floating-point numbers become such if none is rounded.
    """

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []

    def add(self, values: Sequence[Any]) -> None:
        """Take the next values."""
        self._parts.append(_array(values))

    def finish(self) -> pa.ChunkedArray:
        """Return all values in one type."""
        parts = [part for part in self._parts if not pa.types.is_null(part.type)]
        target = _common([part.type for part in parts])
        if target == pa.float64() and not all(map(_is_exact, parts)):
            target = pa.string()
        return pa.chunked_array([_cast(part, target) for part in self._parts], target)


def _array(values: Sequence[Any]) -> pa.Array:
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) == 1 and (make := _ARRAYS.get(next(iter(kinds)))):
        try:
            return make(values)
        except (pa.ArrowException, OverflowError):
            return _text_array(values)
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {int, float} and all(
        abs(value) <= _EXACT for value in values if isinstance(value, int)
    ):
        return pa.array(values, pa.float64())
    return _text_array(values)


def _naive_or_utc(values: Sequence[Any]) -> pa.Array:
    zoned = {value.tzinfo is not None for value in values if value is not None}
    if len(zoned) > 1:
        return _text_array(values)
    return pa.array(values, pa.timestamp("us", tz="UTC" if zoned == {True} else None))


_ARRAYS: dict[type, Callable[[Sequence[Any]], pa.Array]] = {
    bool: lambda values: pa.array(values, pa.bool_()),
    int: lambda values: pa.array(values, pa.int64()),
    float: lambda values: pa.array(values, pa.float64()),
    str: lambda values: pa.array(values, pa.string()),
    bytes: lambda values: pa.array(values, pa.binary()),
    Decimal: pa.array,
    date: lambda values: pa.array(values, pa.date32()),
    datetime: _naive_or_utc,
    timedelta: lambda values: pa.array(values, pa.duration("us")),
}


def _common(kinds: list[pa.DataType]) -> pa.DataType:
    """Return the type that all parts take: their own, or text where they differ in meaning."""
    distinct = set(kinds)
    if not distinct:
        return pa.null()
    if all(pa.types.is_decimal(kind) for kind in distinct):
        scale = max(kind.scale for kind in distinct)
        digits = max(kind.precision - kind.scale for kind in distinct) + scale
        if digits > _DECIMAL_DIGITS:
            return pa.string()
        return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
    if len(distinct) == 1:
        return kinds[0]
    return pa.float64() if distinct == {pa.int64(), pa.float64()} else pa.string()


def _is_exact(part: pa.Array) -> bool:
    if not pa.types.is_int64(part.type):
        return True
    bounds = pc.min_max(part).as_py()
    return bool(bounds["min"] >= -_EXACT and bounds["max"] <= _EXACT)


def _cast(part: pa.Array, target: pa.DataType) -> pa.Array:
    if pa.types.is_null(part.type):
        return pa.nulls(len(part), target)
    if part.type == target:
        return part
    return _text_array(part.to_pylist()) if pa.types.is_string(target) else part.cast(target)


def _text_array(values: Sequence[Any]) -> pa.Array:
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, Decimal) and value.is_finite():
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else str(value)
