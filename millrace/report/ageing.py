"""A backtest's charts: the metric of each policy over time, and what was to be predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from millrace.backtest.result import Backtest, Period, Policy
from millrace.report import text
from millrace.report.chart import Chart, Frame
from millrace.report.dates import date_ticks, day_number, scale_of_days
from millrace.report.scale import scale_around
from millrace.report.series import MARKED, Series

_LOOKS: dict[Policy, int] = {"never retrained": 1, "retrained": 0, "newest": 2}


def charts_of(found: Backtest, means: Mapping[Policy, float | None], decimals: int) -> list[Chart]:
    """Return the charts of a backtest; none where there is nothing to show.

    Args:
        found: the backtest.
        means: the mean score of each policy, for the legend.
        decimals: how many of them the means have.
    """
    ageing = [_ageing(found, means, decimals)] if found.periods else []
    labelled = [t.period for t in found.turns if t.period and t.period.mean_label is not None]
    return [*ageing, *([_seasons(found, labelled)] if labelled else [])]


def _ageing(found: Backtest, means: Mapping[Policy, float | None], decimals: int) -> Chart:
    periods = found.periods
    ends = [period.end for period in periods]
    scores = {
        policy: {
            period.end: showing.score.value
            for period in periods
            for showing in period.showings
            if showing.policy == policy
        }
        for policy in _LOOKS
    }
    values = [value for of_policy in scores.values() for value in of_policy.values()]
    frame = Frame(scale_of_days(ends), scale_around(values, margin=0.1))
    name = text.metric_name(found.metric)
    better = "Higher" if found.higher_is_better else "Lower"
    return Chart(
        key="ageing",
        title=f"{name} on events that no model had seen",
        description=f"{name} of each policy in {text.counted(len(periods), 'period')}.",
        x_label="end of the period",
        y_label=name,
        x_ticks=date_ticks(frame, ends),
        y_ticks=frame.y_ticks(),
        lines=[
            frame.line(
                Series(policy.capitalize(), look),
                map(day_number, scores[policy]),
                scores[policy].values(),
                mark=len(periods) <= MARKED,
                note=text.number(means[policy], decimals),
            )
            for policy, look in _LOOKS.items()
        ],
        caption=f"{better} is better; the legend gives the means of all periods.",
    )


def _seasons(found: Backtest, periods: Sequence[Period]) -> Chart:
    ends = [period.end for period in periods]
    values = [period.mean_label or 0.0 for period in periods]
    frame = Frame(scale_of_days(ends), scale_around([*values, 0.0]))
    what = "rate of positives" if found.kind == "binary" else "mean label"
    return Chart(
        key="labels",
        title="What was to be predicted",
        description=f"The {what} in {text.counted(len(ends), 'period')}.",
        x_label="end of the period",
        y_label=what,
        x_ticks=date_ticks(frame, ends),
        y_ticks=frame.y_ticks(),
        lines=[
            frame.line(
                Series(what.capitalize(), 4),
                map(day_number, ends),
                values,
                mark=len(ends) <= MARKED,
            )
        ],
        caption="How the seasons move it, whatever a model answers.",
    )
