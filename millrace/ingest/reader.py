"""What every reader of a source kind does: chunks of records, each knowing where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from millrace.errors import SourceError

SOURCE = "__source__"
POSITION = "__position__"
REASONS = "__reasons__"
HASH = "__hash__"
_RESERVED = (SOURCE, POSITION, REASONS, HASH)


@dataclass(frozen=True)
class Chunk:
    """Some records of a source, in its order."""

    records: pa.RecordBatch
    source: str
    """The file or query they came from, without secrets."""
    positions: pa.Array
    """int64, aligned to the records: the line where each starts, or its row number, from 1."""


class Reader(Protocol):
    """A source of one kind, opened for one reading."""

    @property
    def source(self) -> str:
        """Return what is read, as the workload declares it and without secrets."""

    def chunks(self) -> Iterator[Chunk]:
        """Yield at least one chunk, all of one schema, in bounded memory.

        Raises:
            SourceError: the source cannot be read; the chunks so far are not to be used.
        """

    def fingerprint(self) -> str:
        """Return what the source looked like; only after its chunks are exhausted."""


def check_names(names: Sequence[str], where: str) -> None:
    """Raise a SourceError unless the columns have names, each its own and none of ours."""
    if not names:
        raise SourceError("the source has no columns", where=where, remedy="name at least one")
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise SourceError(
                f"column {number} has no name", where=where, remedy="name it in the header"
            )
        first = names.index(name) + 1
        if first != number:
            raise SourceError(
                f"the column {name!r} stands there twice",
                where=where,
                found=f"columns {first} and {number}",
                expected="names that differ",
                remedy="rename or drop one of them",
            )
        if name in _RESERVED:
            raise SourceError(
                f"the column name {name!r} is reserved", where=where, remedy="rename the column"
            )


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return records with one Arrow type a meaning: no dictionaries, no large or short variants."""
    columns = [_plain_array(column) for column in batch.columns]
    fields = [pa.field(n, c.type) for n, c in zip(batch.schema.names, columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _plain_array(array: pa.Array) -> pa.Array:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        return array.cast(pa.string())
    if pa.types.is_large_binary(array.type) or pa.types.is_binary_view(array.type):
        return array.cast(pa.binary())
    if pa.types.is_float16(array.type):
        return array.cast(pa.float32())
    return array
