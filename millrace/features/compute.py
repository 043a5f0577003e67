"""Run the functions of features.py, and hold what they return to their feature views."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from millrace.errors import FeatureError
from millrace.features.definitions import EVENT_TIMESTAMP, View
from millrace.features.lookup import ViewLookup
from millrace.features.tables import schema_of
from millrace.features.windows import looking_back
from millrace.workload.code import nearest, place_of, told
from millrace.workload.load import Workload

_FEAST_NAMES = {
    pa.string(): "text (String)",
    pa.bool_(): "truth values (Bool)",
    pa.int32(): "whole numbers (Int32)",
    pa.int64(): "whole numbers (Int64)",
    pa.float32(): "numbers (Float32)",
    pa.float64(): "numbers (Float64)",
}


def compute_rows(workload: Workload, view: View, records: pd.DataFrame) -> pa.Table:
    """Return the rows of a feature view, sorted by join keys and time.

    In an untimed workload the function gets the records without the target, so that no feature can
    give the answer away; there the rows have no event_timestamp yet.

    Args:
        workload: the workload.
        view: one of its feature views.
        records: the accepted records; they are left as they are.

    Raises:
        FeatureError: the function fails, or returns what the view cannot hold.
    """
    timed = workload.spec.time is not None
    target = workload.spec.target.column
    seen = records.copy() if timed else records.drop(columns=target)
    time = workload.spec.time
    try:
        with looking_back(time.history if time and time.window else None):
            rows = view.compute(seen)
    except Exception as error:
        hidden = isinstance(error, KeyError) and target in str(error) and not timed
        raise FeatureError(
            f"the function {view.name!r} fails: {told(error)}",
            where=place_of(error, workload) or f"{workload.folder / 'features.py'}:{view.name}",
            remedy=f"features must not use the target {target!r}" if hidden else "mend that line",
        ) from error
    return check_feature_rows(
        rows, view.lookup, timed=timed, where=f"{workload.folder / 'features.py'}:{view.name}"
    )


def check_feature_rows(rows: Any, view: ViewLookup, *, timed: bool, where: str) -> pa.Table:
    """Return what a function of features.py returned as its view holds it.

    Args:
        rows: what it returned.
        view: the join keys and fields that it should have.
        timed: whether it should have event_timestamp too.
        where: the function, for messages.

    Raises:
        FeatureError: it is no DataFrame, lacks a column or has one too many, a value is of another
            type or infinite, or a row's key is missing or there twice.
    """
    if not isinstance(rows, pd.DataFrame):
        raise FeatureError(
            "returns something else", where=where, found=type(rows).__name__, expected="a DataFrame"
        )
    schema = schema_of(view)
    if not timed:
        schema = schema.remove(schema.get_field_index(EVENT_TIMESTAMP))
    _check_columns([str(name) for name in rows.columns], schema.names, where)
    table = pa.table([_column(rows[field.name], field, where) for field in schema], schema=schema)
    keys = [field.name for field in schema if not field.nullable]
    _check_keys(table, keys, where)
    return table.sort_by([(key, "ascending") for key in keys])


def _check_columns(found: list[str], expected: list[str], where: str) -> None:
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    if missing:
        raise FeatureError(
            f"returns rows without the column {missing[0]!r}",
            where=where,
            found=", ".join(found),
            expected=", ".join(expected),
            remedy=nearest(missing[0], extra) or "add it (an index is no column: reset_index())",
        )
    if extra or len(found) > len(expected):
        name = extra[0] if extra else next(name for name in found if found.count(name) > 1)
        raise FeatureError(
            f"returns a column {name!r} that its feature view does not have"
            if extra
            else f"returns the column {name!r} twice",
            where=where,
            found=", ".join(found),
            expected=", ".join(expected),
            remedy="leave it out, or add a Field for it in definitions.py",
        )


def _column(values: pd.Series, field: pa.Field, where: str) -> pa.Array:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if field.name == EVENT_TIMESTAMP:
        values = _in_utc(values, where)
    try:
        column = pa.array(values, type=field.type, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError) as error:
        raise FeatureError(
            f"the column {field.name!r} cannot be held: {str(error).splitlines()[0]}",
            where=where,
            found=f"dtype {values.dtype}",
            expected=_FEAST_NAMES.get(field.type, str(field.type)),
            remedy="convert it there, or change the Field's dtype in definitions.py",
        ) from error
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_floating(field.type) and pc.any(pc.is_inf(column)).as_py():
        raise FeatureError(
            f"the column {field.name!r} holds an infinite number",
            where=where,
            found=f"{pc.sum(pc.is_inf(column)).as_py()} of them",
            expected="finite numbers, or NaN for missing",
            remedy="mend it there, often a division by zero",
        )
    return column


def _in_utc(values: pd.Series, where: str) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values):
        raise FeatureError(
            f"the column {EVENT_TIMESTAMP!r} holds no timestamps",
            where=where,
            found=f"dtype {values.dtype}",
            expected="datetime64, in UTC if it names no time zone",
            remedy="convert it there with pd.to_datetime(..., utc=True)",
        )
    aware = values.dt.tz_localize("UTC") if values.dt.tz is None else values.dt.tz_convert("UTC")
    return cast("pd.Series[Any]", aware)


def _check_keys(table: pa.Table, keys: list[str], where: str) -> None:
    for key in keys:
        if table[key].null_count:
            raise FeatureError(
                f"the key {key!r} is missing in {table[key].null_count} rows",
                where=where,
                expected="a value in every row",
                remedy="drop those rows there",
            )
    counts = table.group_by(keys).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1))
    if len(twice):
        example = ", ".join(f"{key} {twice[key][0].as_py()}" for key in keys)
        raise FeatureError(
            f"returns {len(twice)} keys more than once",
            where=where,
            found=f"{twice['count_all'][0].as_py()} rows for {example}",
            expected=f"one row for each {' and '.join(keys)}",
            remedy="aggregate them there, as with groupby or drop_duplicates",
        )
