"""Times on a chart's axis."""

from __future__ import annotations

from datetime import datetime

from millrace.report import text
from millrace.report.chart import WIDTH, Frame, Tick
from millrace.report.scale import Scale

_GAP, _LETTER, _BEYOND = 24.0, 5.8, 8.0
"""Units of the view box between two dates, for a letter of one, and that the last may stick out."""
_YEAR, _DAYS = 300, 3
"""Days that a time axis spans from which the year is told, and up to which the hour is."""


def day_number(moment: str) -> float:
    """Return a time as a number of days."""
    return datetime.fromisoformat(moment).timestamp() / 86400


def scale_of_days(moments: list[str]) -> Scale:
    """Return a scale from the first to the last of some times, of a day at least."""
    first, last = day_number(moments[0]), day_number(moments[-1])
    return Scale(first, max(last, first + 1))


def date_ticks(frame: Frame, moments: list[str]) -> list[Tick]:
    """Return as many of the ascending times as there is room for, such as `15 Apr`."""
    span = day_number(moments[-1]) - day_number(moments[0])
    ticks: list[Tick] = []
    for moment in moments:
        tick = Tick(frame.x(day_number(moment)), _short(datetime.fromisoformat(moment), span))
        width = _LETTER * len(tick.label)
        apart = not ticks or tick.at - ticks[-1].at >= width + _GAP
        if apart and tick.at + width / 2 <= WIDTH + _BEYOND:
            ticks.append(tick)
    return ticks


def _short(time: datetime, span: float) -> str:
    """Return a time as short as an axis of so many days allows."""
    month = text.MONTHS[time.month - 1][:3]
    if span > _YEAR:
        return f"{month} {time.year}"
    return f"{time.day} {month}, {time:%H:%M}" if span < _DAYS else f"{time.day} {month}"


def day(moment: str) -> str:
    """Return a time as a date, with the time of day where it is not midnight."""
    time = datetime.fromisoformat(moment)
    return f"{time:%Y-%m-%d}" if time.hour == time.minute == 0 else f"{time:%Y-%m-%d %H:%M}"
