"""Read a Parquet file, or a folder of them, with the types that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.digests import digest_of_files
from millrace.errors import SourceError
from millrace.ingest.reader import Chunk, check_names, plain
from millrace.ingest.snapshot import Window
from millrace.progress import say
from millrace.workload import Workload
from millrace.workload.source import ParquetSource

CHUNK_ROWS = 20_000


class ParquetReader:
    """Parquet files of one schema; the columns of each may stand in another order."""

    def __init__(self, workload: Workload, window: Window | None) -> None:
        del window  # a file has no query to narrow: records are filtered once they are read
        spec = workload.spec.source
        assert isinstance(spec, ParquetSource)
        self._path = workload.folder / spec.path
        self._declared = spec.path
        self._fingerprint = ""

    @property
    def source(self) -> str:
        """Return the path as the workload declares it."""
        return self._declared

    def fingerprint(self) -> str:
        """Return the digest of the files' names and bytes."""
        return f"sha256:{self._fingerprint}"

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records; see Reader."""
        files = self._files()
        schema: pa.Schema | None = None
        done = 0
        for number, file in enumerate(files, start=1):
            name = file.relative_to(self._path).as_posix() if file != self._path else ""
            source = f"{self._declared}/{name}" if name else self._declared
            position = 0
            for batch in _batches(file):
                schema = schema or batch.schema
                records = _aligned(batch, schema, file)
                position += records.num_rows
                rows = range(position - records.num_rows + 1, position + 1)
                yield Chunk(records, source, pa.array(rows, pa.int64()))
            done += position
            say("source_read", done=number, total=len(files), records=done)
        if not done:
            raise SourceError(
                "there are no records", where=str(self._path), expected="at least one record"
            )
        self._fingerprint = digest_of_files(self._path.parent, files)

    def _files(self) -> list[Path]:
        if not self._path.exists():
            raise SourceError(
                "the file or folder is missing",
                where=str(self._path),
                remedy="put it there, or mend spec.source.path in workload.yaml",
            )
        if not self._path.is_dir():
            return [self._path]
        files = [
            file
            for file in sorted(self._path.rglob("*.parquet"))
            if file.is_file() and not file.name.startswith((".", "_"))
        ]
        if not files:
            raise SourceError(
                "the folder is empty", where=str(self._path), expected="files that end in .parquet"
            )
        return files


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    """Yield the records of a file; an empty batch first, which carries its schema."""
    try:
        with pq.ParquetFile(file) as parquet:
            schema = parquet.schema_arrow
            check_names(schema.names, str(file))
            yield plain(pa.RecordBatch.from_pylist([], schema=schema))
            for batch in parquet.iter_batches(batch_size=CHUNK_ROWS):
                yield plain(batch)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"cannot be read as Parquet: {error}",
            where=str(file),
            expected="a whole Parquet file",
            remedy="write or fetch the file again: it may have been cut off",
        ) from error


def _aligned(batch: pa.RecordBatch, schema: pa.Schema, file: Path) -> pa.RecordBatch:
    """Return the records with their columns in the order of the first file."""
    expected = dict(zip(schema.names, schema.types, strict=True))
    found = dict(zip(batch.schema.names, batch.schema.types, strict=True))
    for name in dict.fromkeys([*expected, *found]):
        if expected.get(name) != found.get(name):
            raise SourceError(
                f"the column {name!r} is another than in the first file of the folder",
                where=str(file),
                found=str(found.get(name, "no such column")),
                expected=str(expected.get(name, "no such column")),
                remedy="write the files with one schema",
            )
    return batch.select(schema.names)
