"""Files of JSON lines, each appended whole or not at all, of which the newest are kept."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

LONGEST_BYTES = 32 * 2**20
"""A longer file is kept as NAME.jsonl.1, instead of the one before, and begins anew."""
LARGEST_BYTES = 64 * 2**20
"""A larger body is refused."""
_PART = 2**16


class EventFiles:
    """Appends to files, by one thread at a time."""

    def __init__(self, longest: int = LONGEST_BYTES) -> None:
        """Take the longest file."""
        self._longest = longest
        self._whole: set[Path] = set()

    def keep(self, file: Path, lines: bytes) -> None:
        """Append lines, whole or not at all.

        Raises:
            OSError: they cannot be kept.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        if file not in self._whole:
            cut_torn(file)
            self._whole.add(file)
        with suppress(FileNotFoundError):
            if file.stat().st_size > self._longest:
                file.replace(previous(file))
        append(file, lines)


def previous(file: Path) -> Path:
    """Return where a file is kept after it has grown too long."""
    return file.with_name(f"{file.name}.1")


def append(file: Path, lines: bytes) -> None:
    """Append to a file, all or nothing.

    Raises:
        OSError: there is no room, or the file cannot be written.
    """
    with file.open("ab", buffering=0) as end:
        before = end.seek(0, os.SEEK_END)
        if end.write(lines) != len(lines):
            end.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def cut_torn(file: Path) -> None:
    """Cut a last line without an end: its writer was killed before it could say that it is kept.

    Raises:
        OSError: the file cannot be read or written.
    """
    with suppress(FileNotFoundError), file.open("r+b") as lines:
        size = end = lines.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _PART)
            lines.seek(start)
            found = lines.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            lines.truncate(end)
