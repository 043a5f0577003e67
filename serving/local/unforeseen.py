"""Errors that nobody foresaw: told as a fault in one line, with the traceback kept in a log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import structlog

from millrace.errors import MillraceError

LOG = "platform.log"
"""Name of the log among the platform's logs."""


def as_fault(error: Exception, where: str, logs: Path) -> MillraceError:
    """Return an error as a fault that people can be told.

    Args:
        error: what was raised; a fault is returned as it is.
        where: what was being done, for people.
        logs: folder of the platform's logs.
    """
    if isinstance(error, MillraceError):
        return error
    return MillraceError(
        f"an error that nobody foresaw: {type(error).__name__}: {error}",
        where=where,
        remedy=f"its traceback is at the end of {logs / LOG}",
    )


def keep_traceback(error: Exception, where: str, logs: Path) -> None:
    """Append the traceback of an error to the log, unless it is a fault, which tells all itself."""
    if isinstance(error, MillraceError):
        return
    with suppress(OSError):  # the fault is told all the same
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / LOG).open("a", encoding="utf-8", errors="replace") as file:
            _logger(file).error("unforeseen", where=where, exc_info=error)


def _logger(file: TextIO) -> Any:
    processors = structlog.processors
    return structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[
            processors.add_log_level,
            processors.TimeStamper(fmt="iso", utc=True, key="time"),
            processors.format_exc_info,
            processors.JSONRenderer(),
        ],
    )
