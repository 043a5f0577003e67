"""One run of a workload at a time on one machine, and one backtest beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from millrace.errors import MillraceError, PipelineError
from millrace.files import made_folder
from millrace.settings import HOME_REMEDY, Settings


@contextmanager
def only_run(settings: Settings, workload: str, what: str = "run") -> Iterator[None]:
    """Hold the workload's lock, which the kernel releases however the process ends.

    Args:
        settings: where the home is.
        workload: name of the workload.
        what: what is under way; a `run` and another kind do not exclude each other.

    Raises:
        PipelineError: another of its kind is under way for the workload.
        MillraceError: the home cannot be written to.
    """
    name = workload if what == "run" else f"{workload}.{what}"
    with _opened(made_folder(settings.home.resolve() / "locks", HOME_REMEDY) / name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise PipelineError(
                f"another {what} of {workload} is under way",
                where=str(settings.home),
                found=f"process {file.read().strip() or 'unknown'}",
                remedy="wait for it, or end it",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _opened(file: Path) -> IO[str]:
    try:
        return file.open("a+", encoding="utf-8")
    except OSError as error:
        raise MillraceError(
            f"cannot be written: {error.strerror}", where=str(file), remedy=HOME_REMEDY
        ) from error
