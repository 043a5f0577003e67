"""Logs that do not grow for ever: the end of a long one is kept beside it, and it begins anew."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 5.0
LONGEST_BYTES = 10 * 2**20


async def keep_bounded(folder: Path) -> None:
    """Keep every log of a folder bounded, for ever."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(rotate, folder)


def rotate(folder: Path, longest: int = LONGEST_BYTES) -> None:
    """Copy each log that is longer to NAME.log.1 and cut it to nothing.

    Its writer appends, so it goes on at the new end; a line written in between is lost.
    """
    for log in folder.glob("*.log"):
        with suppress(OSError):  # a full disk: tried again at the next look
            if log.stat().st_size > longest:
                shutil.copyfile(log, log.with_name(f"{log.name}.1"))
                with log.open("r+b") as file:
                    file.truncate(0)
