"""How what is predicted moves with the seasons, and how models do from one period to the next."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.dataset.manifest import DatasetManifest
from millrace.evaluation.result import Evaluation, PeriodResult, leading
from millrace.report import text
from millrace.report.chart import Chart
from millrace.report.dates import day
from millrace.report.period_charts import Course, Words, label_chart, score_chart
from millrace.report.series import series_of
from millrace.runs.summary import RunSummary


@dataclass(frozen=True)
class PeriodRow:
    """One period of the test window, as the table shows it."""

    period: str
    rows: str
    mean_label: str
    scores: list[str]


@dataclass(frozen=True)
class OverTime:
    """What the section shows."""

    charts: list[Chart]
    metric: str
    models: list[str]
    periods: list[PeriodRow]


def over_time(summary: RunSummary) -> OverTime | None:
    """Return the seasons and the periods of the test window; None where there is no time."""
    dataset, evaluation = summary.dataset, summary.evaluation
    seasons = _seasons(dataset) if dataset is not None else None
    periods = evaluation.periods if evaluation else []
    charts = [seasons] if seasons else []
    if not evaluation or not periods:
        return OverTime(charts, "", [], []) if charts else None
    metric = leading(evaluation.models[0].metrics) or ""
    looks = series_of(evaluation.models)
    decimals = text.decimals_for([score for p in periods for score in p.scores.values()])
    return OverTime(
        charts=[*charts, _scores(evaluation, metric)],
        metric=text.metric_name(metric),
        models=[series.label for series in looks.values()],
        periods=[_row(period, list(looks), decimals) for period in periods],
    )


def _row(period: PeriodResult, models: list[str], decimals: int) -> PeriodRow:
    scores = [period.scores.get(name) for name in models]
    return PeriodRow(
        period=f"{day(period.start)} to {day(period.end)}",
        rows=text.count(period.rows),
        mean_label=text.mean(period.mean_label),
        scores=[text.number(score.value if score else None, decimals) for score in scores],
    )


def _seasons(dataset: DatasetManifest) -> Chart | None:
    if len(dataset.seasons) < 2:
        return None
    return label_chart(
        "seasons",
        {season.end: season.mean_label for season in dataset.seasons},
        classes=dataset.positives is not None,
        until=" up to the as-of time",
        caption="Over all parts: the newest periods are tested on, those before validated on.",
    )


def _scores(evaluation: Evaluation, metric: str) -> Chart:
    name, periods = text.metric_name(metric), evaluation.periods
    told = text.counted(len(periods), "period")
    words = Words(
        title=f"{name} as the model ages",
        description=f"{name} of each model in {told} after training.",
        caption="The test window from one period to the next, nothing trained anew in between.",
    )
    courses = [
        Course(series, {p.end: p.scores[model].value for p in periods if model in p.scores})
        for model, series in series_of(evaluation.models).items()
    ]
    return score_chart("periods", metric, [p.end for p in periods], courses, words)
