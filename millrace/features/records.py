"""Accepted records as the functions of features.py, labels and slices read them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from millrace.errors import FeatureError

_NULLABLE = {
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def read_records(accepted: Path, order: list[str]) -> pd.DataFrame:
    """Return accepted records in an order that does not depend on the source's.

    Integers are Int64 and truth values boolean, so a missing one stays missing; numbers are
    float64, text is str or None, timestamps are in UTC.

    Args:
        accepted: the folder with data.parquet that validation wrote.
        order: columns to sort by; where they tie, all others follow.

    Raises:
        FeatureError: there is no such file, or it is no Parquet.
    """
    try:
        table = pq.read_table(accepted / "data.parquet", partitioning=None)
    except (OSError, pa.ArrowInvalid) as error:
        raise FeatureError(
            f"the accepted records cannot be read: {str(error).splitlines()[0]}",
            where=str(accepted),
            remedy="run the step validate again",
        ) from error
    frame = to_frame(table)
    by = order
    if not order or frame.duplicated(order).any():
        by = [*order, *(name for name in frame.columns if name not in order)]
    return frame.sort_values(by, kind="stable", ignore_index=True)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as pandas holds it without loss: nullable integers and truth values."""
    plain = pa.table([_plain(table[name]) for name in table.column_names], names=table.column_names)
    frame: pd.DataFrame = plain.to_pandas(types_mapper=_NULLABLE.get)
    return frame


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz or "UTC"))
    return column
