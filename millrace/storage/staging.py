"""Folders for what is being prepared, beside where it will lie."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lend(root: Path) -> Iterator[Path]:
    """Lend an empty folder under a root; it is gone afterwards, whatever happens."""
    folder, lock = _staging_folder(root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _staging_folder(root: Path) -> tuple[Path, int]:
    """Return a new folder and the lock that says its owner lives; sweep the folders of the dead."""
    root.mkdir(parents=True, exist_ok=True)
    entrance = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(entrance, fcntl.LOCK_EX)
        for other in root.iterdir():
            if _is_abandoned(other):
                shutil.rmtree(other, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=root))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder, lock
    finally:
        os.close(entrance)


def _is_abandoned(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
