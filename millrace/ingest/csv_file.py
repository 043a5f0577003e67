"""Read a CSV file as of RFC 4180 in UTF-8, strictly: it is taken whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from millrace.errors import SourceError, WorkloadError
from millrace.ingest.reader import Chunk, Window, check_names
from millrace.progress import say
from millrace.workload import Workload
from millrace.workload.source import CsvSource

CHUNK_ROWS = 20_000
CHUNK_BYTES = 32 << 20
LONGEST_LINE = 16 << 20
_BOM = b"\xef\xbb\xbf"
_CUT_OFF = "repair or fetch the file again: it may have been cut off"


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
                where=str(workload.file),
                found=repr(spec.delimiter),
                expected="a character such as , or ;",
            )
        self._path = workload.folder / spec.path
        self._declared = spec.path
        self._delimiter = spec.delimiter
        self._digest = hashlib.sha256()
        self._bytes = 0

    @property
    def source(self) -> str:
        """Return the path as the workload declares it."""
        return self._declared

    def fingerprint(self) -> str:
        """Return the digest of the file's bytes."""
        return f"sha256:{self._digest.hexdigest()}"

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records; see Reader."""
        with _opened(self._path) as file:
            mode = self._path.stat().st_mode
            total = self._path.stat().st_size if stat.S_ISREG(mode) else None
            records = self._records(file)
            names = self._header(records)
            rows: list[list[str]] = []
            positions: list[int] = []
            done = flushed = 0
            for position, row in records:
                if len(row) != len(names):
                    raise self._ragged(position, len(row), len(names))
                rows.append(row)
                positions.append(position)
                if len(rows) >= CHUNK_ROWS or self._bytes - flushed >= CHUNK_BYTES:
                    yield self._chunk(names, rows, positions)
                    done, flushed = done + len(rows), self._bytes
                    rows, positions = [], []
                    say("source_read", done=self._bytes, total=total, records=done)
            if not rows and not done:
                raise SourceError(
                    "the file has a header and no records",
                    where=str(self._path),
                    expected="at least one record",
                    remedy="check what exports the file",
                )
            if rows:
                yield self._chunk(names, rows, positions)
            say("source_read", done=self._bytes, total=total, records=done + len(rows))

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
        self._width = len(names)
        return names

    def _chunk(self, names: list[str], rows: list[list[str]], positions: list[int]) -> Chunk:
        arrays = [_text(column) for column in zip(*rows, strict=True)]
        schema = pa.schema([pa.field(name, pa.string()) for name in names])
        records = pa.RecordBatch.from_arrays(arrays, schema=schema)
        return Chunk(records, self._declared, pa.array(positions, pa.int64()))

    def _records(self, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the line that it starts in; blank lines where they count."""
        self._width = 0
        current: list[str] = []
        reader = csv.reader(self._lines(file, current), delimiter=self._delimiter, strict=True)
        unquoted_quote = _well_quoted(self._delimiter)
        start = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise self._malformed(start, str(error)) from error
            if row is None:
                return
            if current[-1].endswith("\r\r\n"):
                raise self._malformed(start, "new-line character seen in unquoted field")
            if any('"' in field for field in row) and not unquoted_quote.fullmatch(
                "".join(current).rstrip("\r\n")
            ):
                raise self._malformed(start, "a quote inside a field that is not quoted")
            if row or self._width == 1:
                yield start, row or [""]
            start = reader.line_num + 1
            current.clear()

    def _lines(self, file: BinaryIO, current: list[str]) -> Iterator[str]:
        number = 0
        while line := self._next_line(file):
            number += 1
            if b"\0" in line:
                raise self._not_text(number, line, line.index(b"\0"), "a NUL byte")
            body = line.removeprefix(_BOM) if number == 1 else line
            try:
                text = body.decode("utf-8")
            except UnicodeDecodeError as error:
                offset = error.start + len(line) - len(body)
                found = f"byte 0x{line[offset]:02x}"
                raise self._not_text(number, line, offset, found) from error
            if len(line) > LONGEST_LINE:
                raise self._malformed(number, f"a line is longer than {LONGEST_LINE} bytes")
            if text:
                current.append(text)
                yield text

    def _next_line(self, file: BinaryIO) -> bytes:
        try:
            line = file.readline(LONGEST_LINE + 1)
        except OSError as error:
            raise SourceError(
                f"cannot be read to its end: {error.strerror}", where=str(self._path)
            ) from error
        self._digest.update(line)
        self._bytes += len(line)
        return line

    def _not_text(self, number: int, line: bytes, offset: int, found: str) -> SourceError:
        return SourceError(
            "the file is not text in UTF-8",
            where=f"{self._path}:{number}",
            found=f"{found} at offset {self._bytes - len(line) + offset}",
            expected="UTF-8",
            remedy="export it as UTF-8, or convert it with iconv",
        )

    def _ragged(self, position: int, found: int, expected: int) -> SourceError:
        return SourceError(
            "the record has another number of fields than the header",
            where=f"{self._path}:{position}",
            found=f"{found} fields",
            expected=f"{expected} fields",
            remedy=_CUT_OFF if found < expected else "quote the fields that hold the delimiter",
        )

    def _malformed(self, start: int, fault: str) -> SourceError:
        problem, remedy = next(
            (told for mark, told in _CSV_FAULTS.items() if mark in fault),
            (fault, "write quotes inside a quoted field twice"),
        )
        return SourceError(
            f"is not CSV as of RFC 4180: {problem}",
            where=f"{self._path}:{start}",
            expected="fields that are quoted as a whole or not at all",
            remedy=remedy,
        )


_CSV_FAULTS = {
    "unexpected end of data": ("a quote is opened here and never closed", _CUT_OFF),
    "field larger than field limit": (
        f"a field is longer than {csv.field_size_limit()} characters",
        "close the quote that is opened there, or keep long texts elsewhere",
    ),
    "new-line character seen in unquoted": (
        "a carriage return stands in the middle of a line",
        "end lines with LF or CRLF, and quote fields that hold line breaks",
    ),
    "a line is longer": (f"a line is longer than {LONGEST_LINE} bytes", "end lines with LF or CRLF"),
}


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


def _text(values: tuple[str, ...]) -> pa.Array:
    array = pa.array(values, pa.string())
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)


def _well_quoted(delimiter: str) -> re.Pattern[str]:
    """Return what a record matches whose quotes stand as RFC 4180 wants, which csv lets pass."""
    mark = re.escape(delimiter)
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{mark}]*+)'
    return re.compile(rf"{field}(?:{mark}{field})*+")
