"""One running platform a home: a lock that the kernel releases however the process ends.

Whoever deletes the home deletes the lock's file with it: nobody finds the platform any more, so it
has to find that out itself.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from millrace.errors import MillraceError, ServingError
from millrace.files import made_folder
from millrace.settings import HOME_REMEDY, Settings


class Hold:
    """A lock that is held."""

    def __init__(self, file: Path, handle: IO[str]) -> None:
        """Take the lock's file and what holds it."""
        self.file = file.absolute()
        self._ours = os.fstat(handle.fileno())

    @property
    def lost(self) -> bool:
        """Return whether the file is gone or another one stands in its place."""
        try:
            return not os.path.samestat(self.file.stat(), self._ours)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # a disk that does not answer now says nothing of the file
            return False


@contextmanager
def only_platform(settings: Settings) -> Iterator[Hold]:
    """Hold the platform's lock.

    Raises:
        ServingError: a platform runs in this home already.
        MillraceError: the home cannot be written to.
    """
    file = _lock_file(settings)
    made_folder(file.parent, HOME_REMEDY)
    try:
        handle = file.open("a+", encoding="utf-8")
    except OSError as error:
        raise MillraceError(
            f"cannot be written: {error.strerror}", where=str(file), remedy=HOME_REMEDY
        ) from error
    with handle:
        if not _taken(handle):
            handle.seek(0)
            raise ServingError(
                "a platform runs here already",
                where=str(settings.home),
                found=f"process {handle.read().strip() or 'unknown'}",
                remedy="use it, or end it: `millrace down`",
            )
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield Hold(file, handle)


def running(settings: Settings) -> int | None:
    """Return the process that holds the platform's lock; None if none does.

    Returns 0 for one that took the lock but has not said its number yet.
    """
    try:
        handle = _lock_file(settings).open(encoding="utf-8")
    except OSError:
        return None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            said = handle.read().strip()
            return int(said) if said.isdigit() else 0
    return None


def _taken(handle: IO[str]) -> bool:
    """Take the lock; a second try is for `running`, which holds it for an instant."""
    for pause in (0.05, 0.2, 0.0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def _lock_file(settings: Settings) -> Path:
    return settings.platform_folder / "lock"
