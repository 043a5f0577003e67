"""Times on a chart's axis."""

from __future__ import annotations

from datetime import datetime

from millrace.report import text
from millrace.report.chart import Frame, Tick
from millrace.report.scale import Scale

_TICKS = 5


def day_number(moment: str) -> float:
    """Return a time as a number of days."""
    return datetime.fromisoformat(moment).timestamp() / 86400


def scale_of_days(moments: list[str]) -> Scale:
    """Return a scale from the first to the last of some times, of a day at least."""
    first, last = day_number(moments[0]), day_number(moments[-1])
    return Scale(first, max(last, first + 1))


def date_ticks(frame: Frame, moments: list[str]) -> list[Tick]:
    """Return some of the times, evenly spread, as dates such as `15 Apr`."""
    step = max(1, -(-len(moments) // _TICKS))
    return [
        Tick(frame.x(day_number(moment)), f"{time.day} {text.MONTHS[time.month - 1][:3]}")
        for moment in moments[::step]
        for time in [datetime.fromisoformat(moment)]
    ]


def day(moment: str) -> str:
    """Return a time as a date, with the time of day where it is not midnight."""
    time = datetime.fromisoformat(moment)
    return f"{time:%Y-%m-%d}" if time.hour == time.minute == 0 else f"{time:%Y-%m-%d %H:%M}"
