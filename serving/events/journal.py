"""What waits for its other half, on disk too: who was told that it is kept can rely on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from serving.events.files import append, cut_torn
from serving.events.halves import Half, Key, Kind

MOST_BYTES = 32 * 2**20
"""So much may be of halves that wait no longer, before the file is written anew."""


class _Entry(msgspec.Struct, omit_defaults=True):
    """A half that waits from now on, or what tells which waits no longer."""

    half: Half | None = None
    gone: tuple[Key, Kind] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Entry).decode


class Journal:
    """A file of what began to wait, and what ceased to, in that order."""

    def __init__(self, file: Path) -> None:
        """Take the file."""
        self._file = file
        self._size = 0

    def read(self) -> list[Half]:
        """Return the halves that waited when the last process ended, oldest first.

        Raises:
            OSError: it cannot be read.
            ValueError: it is none.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch()
        cut_torn(self._file)
        waiting: dict[tuple[Key, Kind], Half] = {}
        with self._file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                entry = self._entry(line, number)
                if entry.half is not None:
                    waiting[entry.half.key, entry.half.kind] = entry.half
                elif entry.gone is not None:
                    waiting.pop(entry.gone, None)
            self._size = lines.tell()
        return list(waiting.values())

    def _entry(self, line: bytes, number: int) -> _Entry:
        try:
            return _decode(line)
        except ValueError as error:
            raise ValueError(f"{self._file}:{number} is of no collector: {error}") from error

    def wait(self, half: Half) -> None:
        """Note a half.

        Raises:
            OSError: there is no room for it.
        """
        self._append(_Entry(half=half))

    def gone(self, half: Half) -> None:
        """Note that a half waits no longer.

        Raises:
            OSError: there is no room for that.
        """
        self._append(_Entry(gone=(half.key, half.kind)))

    def shrink(self, waiting: Iterable[Half], size: int) -> None:
        """Write the file anew if that makes it much shorter, or empty.

        Args:
            waiting: all that waits.
            size: bytes of that.

        Raises:
            OSError: there is no room for it; the file is as it was.
        """
        if self._size <= (2 * size + MOST_BYTES if size else 0):
            return
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as lines:
            lines.writelines(_encode(_Entry(half=half)) + b"\n" for half in waiting)
            size = lines.tell()
        fresh.replace(self._file)
        self._size = size

    def _append(self, entry: _Entry) -> None:
        line = _encode(entry) + b"\n"
        append(self._file, line)
        self._size += len(line)
