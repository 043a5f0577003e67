"""Structured log lines on standard error: JSON, one a notable thing, none a request."""

from __future__ import annotations

import logging
import math
import os
import time
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, TextIO, cast

import structlog

Log = structlog.typing.FilteringBoundLogger
_STANDARD_ERROR = 2
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def open_log(level: str, **fields: Any) -> Log:
    """Return the process's log, whose every line carries the given fields.

    What libraries log through `logging` is kept to their errors, in the same form.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger().bind(**fields)
    root = logging.getLogger()
    root.handlers = [_Forward(log)]
    root.setLevel(logging.ERROR)
    return log


class _StandardError:
    """Standard error, a line a write; what it does not take, as on a full disk, is lost.

    Nothing is kept for later either: requests are answered whether or not anybody can read of them.
    """

    def write(self, text: str) -> None:
        """Write one line."""
        with suppress(OSError):
            os.write(_STANDARD_ERROR, text.encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Do nothing: nothing is kept."""


class _Forward(logging.Handler):
    """Hands records of the standard library's logging to ours."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._log.error("library_error", logger=record.name, message=record.getMessage())


class Seldom:
    """Says one thing at most once a second, with how often it happened since; in any thread."""

    def __init__(self, log: Log, event: str, level: str = "warning") -> None:
        self._say = partial(getattr(log, level), event)
        self._last = -math.inf
        self._times = 0
        self._lock = Lock()

    def say(self, **fields: Any) -> None:
        """Log this occurrence, or only count it for the next line."""
        now = time.monotonic()
        with self._lock:
            self._times += 1
            if now - self._last < 1:
                return
            times, self._last, self._times = self._times, now, 0
        self._say(times=times, **fields)
