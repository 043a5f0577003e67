"""A report of a workload with a clock shows its seasons, and each period of its test window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from html_checks import read
from report_endings import passed
from report_evaluation import estimate
from report_numbers import numbers

from millrace.dataset.manifest import Season
from millrace.evaluation.result import PeriodResult
from millrace.report import render
from millrace.report.seasons import over_time
from millrace.runs.summary import RunSummary

START = datetime(2013, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def timed(summary: RunSummary, *, seasons: int = 12, periods: int = 3) -> RunSummary:
    """Return a run of a workload with a clock; its champion had trained on the first period."""
    dataset, evaluation = summary.dataset, summary.evaluation
    assert dataset is not None
    assert evaluation is not None
    models = [model.name for model in evaluation.models]
    metric = 0.7 if dataset.positives is not None else 12.0
    held = [
        PeriodResult(
            start=(START + (seasons - periods + number) * WEEK).isoformat(),
            end=(START + (seasons - periods + number + 1) * WEEK).isoformat(),
            rows=6000 + number,
            mean_label=0.2,
            scores={
                name: estimate(metric + place / 100, 0.01)
                for place, name in enumerate(models)
                if number or name != "champion"
            },
        )
        for number in range(periods)
    ]
    shown = [
        Season(
            start=(START + number * WEEK).isoformat(),
            end=(START + (number + 1) * WEEK).isoformat(),
            rows=6000,
            mean_label=0.2 + number / 100,
        )
        for number in range(seasons)
    ]
    return summary.model_copy(
        update={
            "dataset": dataset.model_copy(update={"seasons": shown}),
            "evaluation": evaluation.model_copy(update={"periods": held}),
        }
    )


@pytest.mark.parametrize("summary", [passed(), numbers()], ids=["classes", "numbers"])
@pytest.mark.parametrize(("seasons", "periods"), [(12, 3), (12, 1), (12, 0), (1, 1), (400, 60)])
def test_the_section_is_well_formed_however_many_periods_there_are(
    summary: RunSummary, seasons: int, periods: int
) -> None:
    page = read(render(timed(summary, seasons=seasons, periods=periods)))
    assert page.faults == []
    assert "Over time" in page.text_of("h2")


def test_a_workload_without_a_clock_has_no_such_section() -> None:
    assert over_time(passed()) is None
    assert "Over time" not in read(render(passed())).text_of("h2")


def test_each_period_is_told_with_every_model_that_had_not_trained_on_it() -> None:
    found = over_time(timed(passed()))
    assert found is not None
    assert [chart.key for chart in found.charts] == ["seasons", "periods"]
    first, second, _ = found.periods
    assert (first.period, first.rows, first.mean_label) == (
        "2013-08-03 to 2013-08-10",
        "6,000",
        "0.200",
    )
    champion = found.models.index("Champion")
    assert first.scores[champion] == "–"
    assert second.scores == [f"{0.7 + n / 100:.3f}" for n in range(len(found.models))]
    assert (
        " ".join([second.period, second.rows, *second.scores]).replace(
            second.rows, f"{second.rows} {second.mean_label}"
        )
        in read(render(timed(passed()))).visible
    )
    points = {line.series.label: len(line.marks) for line in found.charts[1].lines}
    assert points["Candidate"] == 3
    assert points["Champion"] == 2


def test_seasons_are_the_rate_of_positives_or_the_mean_of_numbers() -> None:
    labels = [
        found.charts[0].y_label
        for summary in (passed(), numbers())
        if (found := over_time(timed(summary)))
    ]
    assert labels == ["rate of positives", "mean label"]


def test_seasons_are_shown_even_if_nothing_was_evaluated() -> None:
    found = over_time(timed(passed()).model_copy(update={"evaluation": None}))
    assert found is not None
    assert [chart.key for chart in found.charts] == ["seasons"]
    assert found.periods == []
