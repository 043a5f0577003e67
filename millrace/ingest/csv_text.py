"""Records of a CSV file as of RFC 4180 in UTF-8, strictly: whatever is not as it says, is told."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from millrace.errors import SourceError

LONGEST_LINE = 16 << 20
CUT_OFF = "repair or fetch the file again: it may have been cut off"
_BOM = b"\xef\xbb\xbf"
_FAULTS = {
    "unexpected end of data": ("a quote is opened here and never closed", CUT_OFF),
    "field larger than field limit": (
        f"a field is longer than {csv.field_size_limit()} characters",
        "close the quote that is opened there, or keep long texts elsewhere",
    ),
    "new-line character seen in unquoted": (
        "a carriage return stands in the middle of a line",
        "end lines with LF or CRLF, and quote fields that hold line breaks",
    ),
}
"""What the csv module says of a fault -> what we say, and what to do."""


class CsvText:
    """The records of an open CSV file, read once; what it has read so far is counted and hashed.

    Python's csv module splits the fields. On top of it, quotes and carriage returns inside fields
    that are not quoted are faults, as are bytes that are not UTF-8, and NUL.
    """

    def __init__(self, file: BinaryIO, path: Path, delimiter: str) -> None:
        self._file = file
        self._path = path
        self._delimiter = delimiter
        self._digest = hashlib.sha256()
        self._record: list[str] = []
        self.bytes_read = 0

    def digest(self) -> str:
        """Return the digest of the bytes read so far."""
        return self._digest.hexdigest()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line that each record starts in, from 1, and its fields: none if it is blank.

        Raises:
            SourceError: the file breaks the format at a line that the error names.
        """
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        quoted_well = _quoted_well(self._delimiter)
        start = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                problem, remedy = next(
                    (told for mark, told in _FAULTS.items() if mark in str(error)),
                    (str(error), "write a quote inside a quoted field twice"),
                )
                raise self._malformed(start, problem, remedy) from error
            if row is None:
                return
            if self._record[-1].endswith(("\r\r\n", "\r\r")):
                raise self._malformed(start, *_FAULTS["new-line character seen in unquoted"])
            if any('"' in field for field in row) and not quoted_well.fullmatch(
                "".join(self._record).rstrip("\r\n")
            ):
                problem = "a quote stands inside a field that is not quoted"
                raise self._malformed(start, problem, "quote the field, and its quotes twice")
            yield start, row
            start = reader.line_num + 1
            self._record.clear()

    def _lines(self) -> Iterator[str]:
        number = 0
        while line := self._next_line():
            number += 1
            if len(line) > LONGEST_LINE:
                problem = f"a line is longer than {LONGEST_LINE} bytes"
                raise self._malformed(number, problem, "end lines with LF or CRLF")
            body = line.removeprefix(_BOM) if number == 1 else line
            try:
                text = body.decode("utf-8")
            except UnicodeDecodeError as error:
                offset = error.start + len(line) - len(body)
                found = f"byte 0x{line[offset]:02x}"
                raise self._not_text(number, line, offset, found) from error
            if "\0" in text:
                raise self._not_text(number, line, line.index(b"\0"), "a NUL byte")
            if text:
                self._record.append(text)
                yield text

    def _next_line(self) -> bytes:
        try:
            line = self._file.readline(LONGEST_LINE + 1)
        except OSError as error:
            raise SourceError(
                f"cannot be read to its end: {error.strerror}", where=str(self._path)
            ) from error
        self._digest.update(line)
        self.bytes_read += len(line)
        return line

    def _not_text(self, number: int, line: bytes, offset: int, found: str) -> SourceError:
        return SourceError(
            "the file is not text in UTF-8",
            where=f"{self._path}:{number}",
            found=f"{found} at offset {self.bytes_read - len(line) + offset}",
            expected="UTF-8",
            remedy="export it as UTF-8, or convert it with iconv",
        )

    def _malformed(self, line: int, problem: str, remedy: str) -> SourceError:
        return SourceError(
            f"is not CSV as of RFC 4180: {problem}",
            where=f"{self._path}:{line}",
            expected="fields that are quoted as a whole or not at all",
            remedy=remedy,
        )


def _quoted_well(delimiter: str) -> re.Pattern[str]:
    """Return what a record matches whose quotes stand as RFC 4180 wants; csv lets others pass."""
    mark = re.escape(delimiter)
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{mark}]*+)'
    return re.compile(rf"{field}(?:{mark}{field})*+")
