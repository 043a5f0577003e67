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

from millrace.validation.values import read_value
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
    """Where there was a value of another type."""


def parse_column(array: pa.Array | pa.ChunkedArray, column: Column) -> ParsedColumn:
    """Return a raw column, text or native, as the contract's type."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    distinct, codes = _distinct(array)
    values, broken = _read(distinct, column)
    parsed = values.take(codes)
    broken = np.append(broken, False)  # for null, which is not broken
    failed = broken[codes.fill_null(len(distinct)).to_numpy(zero_copy_only=False)]
    missing = parsed.is_null().to_numpy(zero_copy_only=False) & ~failed
    return ParsedColumn(parsed, missing, failed)


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


def _read(distinct: pa.Array, column: Column) -> tuple[pa.Array, Mask]:
    """Return the values in the contract's type, and which of them are not of it."""
    target = ARROW_TYPES[column.type]
    plain = _plain(distinct, column)
    values = pa.nulls(len(distinct), target)
    if plain.any():
        kept = pc.if_else(pa.array(plain), distinct, pa.scalar(None, distinct.type))
        values = kept.cast(target)
    others = np.flatnonzero(~plain)
    read: list[object] = []
    broken = np.zeros(len(distinct), np.bool_)
    for row, raw in zip(others, _python_values(distinct.take(pa.array(others))), strict=True):
        try:
            read.append(None if raw is None else read_value(raw, column))
        except (ValueError, OverflowError):
            read.append(None)
            broken[row] = True
    return pc.replace_with_mask(values, pa.array(~plain), pa.array(read, target)), broken


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
