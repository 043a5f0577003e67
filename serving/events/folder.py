"""The folder of a collector, which one process uses at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "collector.lock"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Have a folder, which is made if need be, for this process alone.

    Raises:
        OSError: it cannot be written, or another process has it; a kill ends that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError("another collector uses it") from error
        yield
