"""Locks of the file system: ours, which a kill lifts, and those that a killed git leaves."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from millrace.errors import DeployError

LOCK = "millrace.lock"
"""Name of our own lock in a Git directory."""
_STEP = 0.02
"""Seconds between two tries."""


@contextmanager
def held(file: Path, timeout: float) -> Iterator[None]:
    """Hold a lock that ends with the process that holds it, however that ends.

    Args:
        file: what the lock is known by; it is made, and stays.
        timeout: seconds to wait for another holder.

    Raises:
        DeployError: another process holds it for longer, or the file cannot be made.
    """
    deadline = time.monotonic() + timeout
    try:
        number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise DeployError(
            f"the deploy repository cannot be written: {error.strerror or error}",
            where=str(file.parent),
            remedy="mend access to the folder, then run again",
        ) from error
    try:
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise DeployError(
                        f"another process has been busy with it for {timeout:g} s",
                        where=str(file.parent),
                        remedy="run again, or set MILLRACE_TIMEOUT",
                    ) from error
                time.sleep(_STEP)
            else:
                break
        yield
    finally:
        os.close(number)


def remove_stale_locks(folder: Path, older: float) -> None:
    """Remove locks of refs that a killed git has left, which would bar every later change.

    Git holds them for milliseconds, and ours is ended after its timeout: an older one has no
    owner. Only one process at a time looks, so that none removes the fresh lock of another.

    Args:
        folder: the Git directory.
        older: seconds that a lock must have stood.
    """
    with held(folder / LOCK, older):
        for lock in (*(folder / "refs").rglob("*.lock"), *folder.glob("*.lock")):
            with suppress(OSError):
                if lock.name != LOCK and time.time() - lock.stat().st_mtime > older:
                    lock.unlink()
