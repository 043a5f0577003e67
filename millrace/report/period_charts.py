"""Charts of what was measured from one period to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from millrace.report import text
from millrace.report.chart import Chart, Frame
from millrace.report.dates import date_ticks, day_number, scale_of_days
from millrace.report.scale import Scale, scale_around
from millrace.report.series import MARKED, Series


@dataclass(frozen=True)
class Course:
    """One line of such a chart.

    Attributes:
        series: how it is named and drawn.
        values: what was measured, by the end of its period.
        note: what the legend says of it.
    """

    series: Series
    values: Mapping[str, float]
    note: str = ""


@dataclass(frozen=True)
class Words:
    """What is written around such a chart."""

    title: str
    description: str
    caption: str


def score_chart(
    key: str, metric: str, ends: list[str], courses: Sequence[Course], words: Words
) -> Chart:
    """Return how models did in each period.

    Args:
        key: unique in the report.
        metric: what they are measured by.
        ends: the ends of the periods, ascending.
        courses: a line for each model.
        words: what is written around it.
    """
    values = [value for course in courses for value in course.values.values()]
    scale = scale_around(values, margin=0.1)
    return _chart(key, text.metric_name(metric), ends, scale, courses, words)


def label_chart(
    key: str, means: Mapping[str, float], *, classes: bool, until: str = "", caption: str
) -> Chart:
    """Return what was to be predicted in each period.

    Args:
        key: unique in the report.
        means: the mean label by the end of each period, ascending.
        classes: whether labels are of two classes.
        until: what the periods lead up to, for the description.
        caption: what stands below the chart.
    """
    what = "rate of positives" if classes else "mean label"
    told = f"The {what} in {text.counted(len(means), 'period')}{until}."
    words = Words("What was to be predicted", told, caption)
    scale = scale_around([*means.values(), 0.0])
    return _chart(
        key, what, list(means), scale, [Course(Series(what.capitalize(), 4), means)], words
    )


def _chart(
    key: str,
    y_label: str,
    ends: list[str],
    scale: Scale,
    courses: Sequence[Course],
    words: Words,
) -> Chart:
    frame = Frame(scale_of_days(ends), scale)
    return Chart(
        key=key,
        title=words.title,
        description=words.description,
        x_label="end of the period",
        y_label=y_label,
        x_ticks=date_ticks(frame, ends),
        y_ticks=frame.y_ticks(),
        lines=[
            frame.line(
                course.series,
                map(day_number, course.values),
                course.values.values(),
                mark=len(ends) <= MARKED,
                note=course.note,
            )
            for course in courses
        ],
        caption=words.caption,
    )
