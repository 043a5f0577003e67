"""Tables of feature rows: their schema, and a digest of what they hold."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.features.lookup import ViewLookup

TIMESTAMP = pa.timestamp("us", "UTC")
_ARROW = {
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
}


def schema_of(view: ViewLookup) -> pa.Schema:
    """Return the columns of a view's offline table: join keys, event_timestamp, fields."""
    keys = [pa.field(key.name, _ARROW[key.type], nullable=False) for key in view.join_keys]
    fields = [pa.field(field.name, _ARROW[field.type]) for field in view.fields]
    return pa.schema([*keys, pa.field("event_timestamp", TIMESTAMP, nullable=False), *fields])


def digest_of_rows(table: pa.Table) -> str:
    """Return the digest of a table's names, types and values, in the order of its rows.

    It does not depend on how Arrow or Parquet lay the values out; all kinds of NaN are one.
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        digest.update(f"{name}:{column.type}:{len(column)};".encode())
        digest.update(np.packbits(column.is_null().to_numpy(zero_copy_only=False)).tobytes())
        for part in _values(column):
            digest.update(part)
    return digest.hexdigest()


def _values(column: pa.Array) -> list[bytes]:
    kind = column.type
    if pa.types.is_string(kind):
        texts = [text.encode() for text in column.fill_null("").to_pylist()]
        return [np.array([len(text) for text in texts], dtype="<i8").tobytes(), b"".join(texts)]
    if pa.types.is_floating(kind):
        numbers = column.fill_null(0).to_numpy(zero_copy_only=False).astype("<f8")
        return [np.where(np.isnan(numbers), np.float64("nan"), numbers).tobytes()]
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    whole = pc.cast(column, pa.int64()).fill_null(0)
    return [whole.to_numpy(zero_copy_only=False).astype("<i8").tobytes()]
