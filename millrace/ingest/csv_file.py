"""Read a CSV file: it is taken whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from millrace.errors import SourceError, WorkloadError
from millrace.ingest.csv_text import CUT_OFF, CsvText
from millrace.ingest.reader import Chunk, check_names
from millrace.ingest.snapshot import Window
from millrace.progress import say
from millrace.workload import Workload
from millrace.workload.source import CsvSource

CHUNK_ROWS = 20_000
CHUNK_BYTES = 32 << 20


class CsvReader:
    """A CSV file; every column is text, an empty field is null, blank lines are skipped.

    In a file of one column a blank line is a record whose value is missing.
    """

    def __init__(self, workload: Workload, window: Window | None) -> None:
        del window  # a file has no query to narrow: records are filtered once they are read
        spec = workload.spec.source
        assert isinstance(spec, CsvSource)
        if spec.delimiter in '"\r\n\0':
            raise WorkloadError(
                "the delimiter can be told from no field",
                where=f"{workload.file} at spec.source.delimiter",
                found=repr(spec.delimiter),
                expected="a character such as , or ;",
            )
        self._path = workload.folder / spec.path
        self._declared = spec.path
        self._delimiter = spec.delimiter
        self._digest = ""

    @property
    def source(self) -> str:
        """Return the path as the workload declares it."""
        return self._declared

    def fingerprint(self) -> str:
        """Return the digest of the file's bytes."""
        return f"sha256:{self._digest}"

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records; see Reader."""
        with _opened(self._path) as file:
            text = CsvText(file, self._path, self._delimiter)
            total = _size(file)
            records = text.records()
            names = self._header(records)
            done = 0
            for positions, rows in self._pages(text, records, len(names)):
                yield self._chunk(names, positions, rows)
                done += len(rows)
                say("source_read", done=text.bytes_read, total=total, records=done)
            if not done:
                raise SourceError(
                    "the file has a header and no records",
                    where=str(self._path),
                    expected="at least one record",
                    remedy="check what exports the file",
                )
            self._digest = text.digest()

    def _header(self, records: Iterator[tuple[int, list[str]]]) -> list[str]:
        line, names = next(((line, row) for line, row in records if row), (0, []))
        if not names:
            raise SourceError(
                "the file is empty",
                where=str(self._path),
                expected="a header and records",
                remedy="check what exports the file",
            )
        check_names(names, f"{self._path}:{line}")
        return names

    def _pages(
        self, text: CsvText, records: Iterator[tuple[int, list[str]]], width: int
    ) -> Iterator[tuple[list[int], list[list[str]]]]:
        """Yield positions and rows, so many at a time as memory should hold."""
        positions: list[int] = []
        rows: list[list[str]] = []
        start = text.bytes_read
        for position, fields in records:
            row = fields or [""] * (width == 1)
            if not row:
                continue
            if len(row) != width:
                raise self._ragged(position, len(row), width)
            positions.append(position)
            rows.append(row)
            if len(rows) >= CHUNK_ROWS or text.bytes_read - start >= CHUNK_BYTES:
                yield positions, rows
                positions, rows, start = [], [], text.bytes_read
        if rows:
            yield positions, rows

    def _chunk(self, names: list[str], positions: list[int], rows: list[list[str]]) -> Chunk:
        arrays = [_text(column) for column in zip(*rows, strict=True)]
        records = pa.RecordBatch.from_arrays(arrays, names=names)
        return Chunk(records, self._declared, pa.array(positions, pa.int64()))

    def _ragged(self, position: int, found: int, expected: int) -> SourceError:
        return SourceError(
            "the record has another number of fields than the header",
            where=f"{self._path}:{position}",
            found=f"{found} fields",
            expected=f"{expected} fields",
            remedy=CUT_OFF if found < expected else "quote the fields that hold the delimiter",
        )


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise SourceError(
            "the file is missing",
            where=str(path),
            remedy="put it there, or mend spec.source.path in workload.yaml",
        ) from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _size(file: BinaryIO) -> int | None:
    """Return how many bytes there are to read; None of a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _text(values: tuple[str, ...]) -> pa.Array:
    array = pa.array(values, pa.string())
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
