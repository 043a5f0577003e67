"""A backtest's charts: the metric of each policy over time, and what was to be predicted."""

from __future__ import annotations

from collections.abc import Mapping

from millrace.backtest.result import Backtest, Policy
from millrace.report import text
from millrace.report.chart import Chart
from millrace.report.period_charts import Course, Words, label_chart, score_chart
from millrace.report.series import Series

_LOOKS: dict[Policy, int] = {"never retrained": 1, "retrained": 0, "newest": 2}


def charts_of(found: Backtest, means: Mapping[Policy, float | None], decimals: int) -> list[Chart]:
    """Return the charts of a backtest; none where there is nothing to show.

    Args:
        found: the backtest.
        means: the mean score of each policy, for the legend.
        decimals: how many of them the means have.
    """
    ageing = [_ageing(found, means, decimals)] if found.periods else []
    labelled = {
        turn.period.end: turn.period.mean_label
        for turn in found.turns
        if turn.period is not None and turn.period.mean_label is not None
    }
    return [*ageing, *([_seasons(found, labelled)] if labelled else [])]


def _ageing(found: Backtest, means: Mapping[Policy, float | None], decimals: int) -> Chart:
    name, periods = text.metric_name(found.metric), found.periods
    better = "Higher" if found.higher_is_better else "Lower"
    words = Words(
        title=f"{name} on events that no model had seen",
        description=f"{name} of each policy in {text.counted(len(periods), 'period')}.",
        caption=f"{better} is better; the legend gives the means of all periods.",
    )
    courses = [
        Course(
            Series(policy.capitalize(), look),
            {
                period.end: showing.score.value
                for period in periods
                for showing in period.showings
                if showing.policy == policy
            },
            text.number(means[policy], decimals),
        )
        for policy, look in _LOOKS.items()
    ]
    return score_chart("ageing", found.metric, [p.end for p in periods], courses, words)


def _seasons(found: Backtest, means: Mapping[str, float]) -> Chart:
    caption = "How the seasons move it, whatever a model answers."
    return label_chart("labels", means, classes=found.kind == "binary", caption=caption)
