"""Write files so that a kill leaves the old content or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from millrace.errors import StoreError


def write_whole(file: Path, content: bytes) -> None:
    """Write a file by an atomic rename; its folder is made if need be.

    Raises:
        StoreError: the disk does not take it.
    """
    partial = file.with_name(file.name + ".partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(file)
    except OSError as error:
        raise StoreError(
            f"cannot be written: {error.strerror or error}",
            where=str(file),
            remedy="free space or mend access, then run again: nothing was half-written",
        ) from error
