"""What a snapshot's digest covers: a multiset of rows under names and types, in no order.

A row is encoded with its columns sorted by name, each value as a netstring (`5:abcde`) of its
canonical spelling and a missing one as `-`, so no two different rows share an encoding; SHA-256
names the row. The digest is SHA-256 of the names and types and of the rows' hashes, sorted. The
type of a column without a value does not count: of a database it depends on rows that are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.digests import canonical_json

Hashes = npt.NDArray[np.uint8]
"""SHA-256 of each row, of shape (rows, 32)."""


def row_hashes(records: pa.RecordBatch) -> Hashes:
    """Return the hash of each record: the same for equal records, whatever their columns' order."""
    names = sorted(records.schema.names)
    encoded = pc.binary_join_element_wise(
        *(_encoded(records.column(records.schema.names.index(name))) for name in names),
        pa.scalar(b"", pa.large_binary()),
    )
    hashes = b"".join(hashlib.sha256(row).digest() for row in encoded.to_pylist())
    return np.frombuffer(hashes, np.uint8).reshape(-1, 32)


def canonical_order(hashes: Hashes) -> npt.NDArray[np.int64]:
    """Return the row numbers in the order of their hashes; equal rows keep theirs."""
    words = hashes.view(">u8")
    return np.lexsort(tuple(words[:, word] for word in reversed(range(4))))


class ContentDigest:
    """The digest of a content, fed with hashes in their canonical order."""

    def __init__(self, schema: pa.Schema, empty: Collection[str]) -> None:
        """Begin with the names and types; `empty` are the columns without a value."""
        types = {f.name: str(pa.null() if f.name in empty else f.type) for f in schema}
        self._hash = hashlib.sha256(hashlib.sha256(canonical_json(types)).digest())

    def update(self, hashes: Hashes) -> None:
        """Take the next hashes."""
        self._hash.update(np.ascontiguousarray(hashes).tobytes())

    def hexdigest(self) -> str:
        """Return the digest of all that was taken."""
        return self._hash.hexdigest()


def content_digest(records: pa.Table) -> str:
    """Return the digest of a table's content, however its rows and columns are ordered."""
    digest = ContentDigest(records.schema, columns_without_values(records))
    parts = [row_hashes(batch) for batch in records.to_batches()]
    hashes = np.concatenate([np.empty((0, 32), np.uint8), *parts])
    digest.update(hashes[canonical_order(hashes)])
    return digest.hexdigest()


def columns_without_values(records: pa.Table | pa.RecordBatch) -> set[str]:
    """Return the names of the columns in which every value is missing."""
    names = records.schema.names
    return {
        name
        for name, column in zip(names, records.columns, strict=True)
        if column.null_count == len(column)
    }


def _encoded(array: pa.Array) -> pa.Array:
    spelled = _spelled(array).cast(pa.large_binary())
    length = pc.binary_length(spelled).cast(pa.string()).cast(pa.large_binary())
    netstring = pc.binary_join_element_wise(length, spelled, pa.scalar(b":", pa.large_binary()))
    return pc.coalesce(netstring, pa.scalar(b"-", pa.large_binary()))


def _spelled(array: pa.Array) -> pa.Array:
    """Return each value's one spelling, as text or bytes; null stays null."""
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return array
    if pa.types.is_floating(kind):
        numbers = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
        bits = np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)
        return pa.array(bits, mask=array.is_null().to_numpy(zero_copy_only=False)).cast(pa.string())
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        width = pa.int32() if kind.bit_width == 32 else pa.int64()
        return array.view(width).cast(pa.string())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return array.cast(pa.string())
    values = array.to_pylist()
    return pa.array([None if value is None else repr(value) for value in values], pa.string())
