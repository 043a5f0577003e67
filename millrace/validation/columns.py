"""Read whole columns as the contract's types.

Each distinct value is read once, and those in a plain spelling all at once by Arrow: to the same
result as `read_value` has for them, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.validation.moments import NeverError, TwiceError
from millrace.validation.values import read_exactly
from millrace.workload.contract import Column

Mask = npt.NDArray[np.bool_]
"""One boolean a record."""

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "category": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
}
"""How each type of the contract is kept."""

_PLAIN = {
    "string": "^[!-~]([ -~]*[!-~])?$",
    "category": "^[!-~]([ -~]*[!-~])?$",
    "integer": "^-?[0-9]{1,18}$",
    "number": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$",
}
"""Spellings that Arrow reads as we do; `^`, `$` and classes as RE2 has them."""

_UNREADABLE = object()


@dataclass(frozen=True)
class ParsedColumn:
    """A column in the contract's type, and where that failed."""

    values: pa.Array
    """In the type of ARROW_TYPES; null where a value is missing or failed."""
    missing: Mask
    """Where there was no value, or a blank one."""
    failed: Mask
    """Where there was a value of another type, or a local time that no clock showed."""
    never: Mask
    """Where there was such a local time: clocks were put forward over it."""
    twice: Mask
    """Where there was a local time that clocks showed twice, of which the first was taken."""


def parse_column(array: pa.Array | pa.ChunkedArray, column: Column) -> ParsedColumn:
    """Return a raw column, text or native, as the contract's type."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    distinct, codes = _distinct(array)
    values, told = _read(distinct, column)
    parsed = values.take(codes)
    numbers = codes.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    failed, never, twice = (_of_records(rows, len(distinct), numbers) for rows in told)
    missing = parsed.is_null().to_numpy(zero_copy_only=False) & ~failed
    return ParsedColumn(parsed, missing, failed, never, twice)


def parse_columns(records: pa.Table, columns: dict[str, Column]) -> dict[str, ParsedColumn]:
    """Return those columns of the contract that the records have, in the contract's order."""
    return {
        name: parse_column(records.column(name), column)
        for name, column in columns.items()
        if name in records.column_names
    }


def _distinct(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the distinct values, and for each record the number of its own."""
    if pa.types.is_nested(array.type) or pa.types.is_null(array.type):
        return array, pa.array(range(len(array)), pa.int32())
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    encoded = array.dictionary_encode()
    return encoded.dictionary, encoded.indices


def _of_records(told: list[int], distinct: int, numbers: npt.NDArray[np.int32]) -> Mask:
    """Return which records have one of some values, by the number of each record's value."""
    if not told:
        return np.zeros(len(numbers), np.bool_)
    mask = np.zeros(distinct + 1, np.bool_)  # the last for null
    mask[told] = True
    return mask[numbers]


def _read(distinct: pa.Array, column: Column) -> tuple[pa.Array, tuple[list[int], ...]]:
    """Return the values in the contract's type, and which have failed, never were, were twice."""
    target = ARROW_TYPES[column.type]
    plain = _plain(distinct, column)
    values = pa.nulls(len(distinct), target)
    if plain.any():
        kept = pc.if_else(pa.array(plain), distinct, pa.scalar(None, distinct.type))
        values = kept.cast(target)
    others = np.flatnonzero(~plain)
    read, told = _one_after_another(_python_values(distinct.take(pa.array(others))), column)
    numbers = tuple(others[rows].tolist() for rows in told)
    return pc.replace_with_mask(values, pa.array(~plain), pa.array(read, target)), numbers


def _one_after_another(
    values: list[Any], column: Column
) -> tuple[list[object], tuple[list[int], ...]]:
    """Return each value as `read_value` does, and which have failed, never were, were twice."""
    read: list[object] = [None] * len(values)
    failed: list[int] = []
    never: list[int] = []
    twice: list[int] = []
    for row, raw in enumerate(values):
        try:
            read[row] = None if raw is None else read_exactly(raw, column)
        except TwiceError as error:
            read[row] = error.first
            twice.append(row)
        except (ValueError, OverflowError) as error:
            failed.append(row)
            if isinstance(error, NeverError):
                never.append(row)
    return read, (failed, never, twice)


def _plain(distinct: pa.Array, column: Column) -> Mask:
    """Return which values Arrow may cast to the contract's type."""
    if pa.types.is_string(distinct.type) and column.type in _PLAIN:
        mask = pc.match_substring_regex(distinct, _PLAIN[column.type])
    elif distinct.type == pa.float64() and column.type == "number":
        mask = pc.is_finite(distinct)
    elif distinct.type == pa.int64() and column.type == "integer":
        mask = distinct.is_valid()
    else:
        return np.zeros(len(distinct), np.bool_)
    return np.asarray(mask.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


def _python_values(values: pa.Array) -> list[Any]:
    try:
        python: list[Any] = values.to_pylist()
    except (ValueError, OverflowError):
        return list(_one_by_one(values))
    return python


def _one_by_one(values: pa.Array) -> Iterable[object]:
    for value in values:
        try:
            yield value.as_py()
        except (ValueError, OverflowError):
            yield _UNREADABLE
