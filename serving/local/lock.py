"""One run of a workload at a time on one machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from millrace.errors import PipelineError
from millrace.settings import Settings


@contextmanager
def only_run(settings: Settings, workload: str) -> Iterator[None]:
    """Hold the workload's lock, which the kernel releases however the process ends.

    Raises:
        PipelineError: another run of the workload is under way.
    """
    folder = settings.home.resolve() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / workload).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise PipelineError(
                f"another run of {workload} is under way",
                where=str(settings.home),
                found=f"process {file.read().strip() or 'unknown'}",
                remedy="wait for it, or end it",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
