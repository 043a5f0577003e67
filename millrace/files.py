"""Write files and make folders: what a kill leaves is the old content or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

from millrace.errors import MillraceError, StoreError


def disk_fault(
    error: OSError, where: str, problem: str = "the disk does not do as asked"
) -> StoreError:
    """Return what the disk refused as a fault, by those who leave nothing half-written."""
    return StoreError(
        f"{problem}: {error.strerror or error}",
        where=where,
        remedy="free space or mend access, then run again: nothing was half-written",
    )


def write_whole(file: Path, content: bytes) -> None:
    """Write a file by an atomic rename; its folder is made if need be.

    Several processes may write the same file at once: one of their contents stays.

    Raises:
        StoreError: the disk does not take it.
    """
    partial = file.with_name(f"{_prefix(file)}{token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            partial.replace(file)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise disk_fault(error, str(file), "cannot be written") from error


def remove_whole(file: Path) -> None:
    """Remove a file, and what kills have left of writing it; one that is not there is no fault."""
    file.unlink(missing_ok=True)
    for path in file.parent.glob(".partial-*"):
        if path.name.startswith(_prefix(file)):
            path.unlink(missing_ok=True)


def made_folder(folder: Path, remedy: str) -> Path:
    """Return a folder, made with its parents if it is not there, that can be written to.

    Raises:
        MillraceError: it cannot be made, or nothing can be written to it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MillraceError(
            f"the folder cannot be made: {error.strerror or error}",
            where=str(folder),
            remedy=remedy,
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MillraceError("the folder cannot be written to", where=str(folder), remedy=remedy)
    return folder


def _prefix(file: Path) -> str:
    return f".partial-{file.name}-"
