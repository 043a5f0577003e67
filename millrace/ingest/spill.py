"""Bring records of any number into their canonical order in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from millrace.ingest.content import (
    ContentDigest,
    Hashes,
    canonical_order,
    columns_without_values,
    row_hashes,
)
from millrace.ingest.reader import HASH, POSITION, SOURCE, Chunk

BUCKETS = 16
ROW_GROUP = 65_536


class CanonicalWriter:
    """Writes records sorted by their hash, copies in the order in which they came.

    The hash's first bits say into which of sixteen files a record goes, so that no more than about
    a sixteenth of all records is in memory when the files are sorted one by one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schema: pa.Schema | None = None
        self._empty: set[str] | None = None

    def write(self, chunks: Iterator[Chunk], data: Path, origin: Path) -> tuple[str, int]:
        """Write all records to one Parquet file and where each came from to another.

        Returns:
            the content's digest and the number of records.

        Raises:
            OSError: the disk is full or fails.
        """
        with ExitStack() as files:
            writers: dict[int, pa.RecordBatchStreamWriter] = {}
            for chunk in chunks:
                for bucket, batch in self._split(chunk):
                    if bucket not in writers:
                        path = str(self._folder / f"{bucket}.arrows")
                        writers[bucket] = files.enter_context(pa.ipc.new_stream(path, batch.schema))
                    writers[bucket].write_batch(batch)
        return self._merge(sorted(writers), data, origin)

    @property
    def schema(self) -> pa.Schema:
        """Return the schema of the records, once they are written."""
        assert self._schema is not None
        return self._schema

    def _split(self, chunk: Chunk) -> Iterator[tuple[int, pa.RecordBatch]]:
        records = chunk.records
        self._schema = records.schema
        empty = columns_without_values(records)
        self._empty = empty if self._empty is None else self._empty & empty
        hashes = row_hashes(records)
        extra = {
            HASH: pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(32), len(hashes), [None, pa.py_buffer(hashes.tobytes())]
            ),
            SOURCE: pa.repeat(chunk.source, len(hashes)),
            POSITION: chunk.positions,
        }
        whole = pa.RecordBatch.from_arrays(
            [*records.columns, *extra.values()], names=[*records.schema.names, *extra]
        )
        buckets = hashes[:, 0] >> 4
        for bucket in np.unique(buckets):
            yield int(bucket), whole.take(pa.array(np.flatnonzero(buckets == bucket)))

    def _merge(self, buckets: list[int], data: Path, origin: Path) -> tuple[str, int]:
        digest = ContentDigest(self.schema, self._empty or ())
        places = pa.schema({SOURCE.strip("_"): pa.string(), POSITION.strip("_"): pa.int64()})
        rows = 0
        with (
            pq.ParquetWriter(data, self.schema, compression="zstd") as data_file,
            pq.ParquetWriter(origin, places, compression="zstd") as origin_file,
        ):
            for table, hashes in self._row_groups(buckets):
                digest.update(hashes)
                rows += table.num_rows
                data_file.write_table(table.select(self.schema.names))
                origin_file.write_table(
                    table.select([SOURCE, POSITION]).rename_columns(places.names)
                )
        return digest.hexdigest(), rows

    def _row_groups(self, buckets: list[int]) -> Iterator[tuple[pa.Table, Hashes]]:
        """Yield records in canonical order; small buckets together, for Parquet's sake."""
        tables: list[pa.Table] = []
        for bucket in buckets:
            path = self._folder / f"{bucket}.arrows"
            with pa.ipc.open_stream(pa.memory_map(str(path))) as stream:
                tables.append(stream.read_all())
            path.unlink()
            if sum(map(len, tables)) >= ROW_GROUP or bucket == buckets[-1]:
                table = pa.concat_tables(tables).combine_chunks()
                hashes = _hashes_of(table)
                order = canonical_order(hashes)
                yield table.take(pa.array(order)), hashes[order]
                tables = []


def _hashes_of(table: pa.Table) -> Hashes:
    column = table.column(HASH).cast(pa.large_binary()).to_pylist()
    return np.frombuffer(b"".join(column), np.uint8).reshape(-1, 32)
