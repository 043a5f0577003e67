"""Steps that run in this very process: what they and the workload's code print goes to a log."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from millrace.errors import MillraceError
from millrace.files import disk_fault
from millrace.progress import listening


@contextmanager
def steps_here(log_file: Path, hear: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Let steps run here: their events are heard, and whatever breaks ends as one line.

    Raises:
        MillraceError: a step failed, or broke; then the log holds its traceback.
    """
    try:
        with (
            log_file.open("w", encoding="utf-8") as log,
            redirect_stdout(log),
            redirect_stderr(log),
            listening(hear),
        ):
            try:
                yield
            except (MillraceError, OSError):
                raise
            except Exception as error:
                traceback.print_exc()
                raise _broken(error, log_file) from error
    except OSError as error:
        raise disk_fault(error, str(error.filename or log_file.parent)) from error


def _broken(error: Exception, log_file: Path) -> MillraceError:
    return MillraceError(
        f"a step broke: {type(error).__name__}: {error}",
        remedy=f"the traceback is in {log_file}; if it is not in your code, report it",
    )
