"""A run's arguments as text, read into values."""

from __future__ import annotations

from datetime import datetime

from millrace.errors import PipelineError
from millrace.utc import in_utc


def point_in_time(text: str, name: str) -> datetime | None:
    """Return the time that an argument names, in UTC where it names no zone; None if it is empty.

    Raises:
        PipelineError: the text is no ISO 8601 time.
    """
    if not text:
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise PipelineError(
            "is no time",
            where=name,
            found=repr(text),
            expected="ISO 8601, such as 2026-03-01 or 2026-03-01T06:00:00+01:00",
        ) from error


def time_window(start: str, end: str) -> tuple[datetime, datetime] | None:
    """Return the window from start up to, but not with, end; None if both are empty.

    Raises:
        PipelineError: only one is given, one is no time, or the window is empty.
    """
    first, last = point_in_time(start, "window start"), point_in_time(end, "window end")
    if first is None and last is None:
        return None
    if first is None or last is None or first >= last:
        raise PipelineError(
            "is no window",
            where="window",
            found=f"{start or 'nothing'}..{end or 'nothing'}",
            expected="START..END with START before END",
        )
    return first, last
