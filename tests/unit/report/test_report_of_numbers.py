"""A report of a model that predicts a number speaks of errors and coverage, never of classes."""

from __future__ import annotations

import pytest
from html_checks import read
from report_endings import ENDINGS
from report_numbers import evaluation, numbers

from millrace.export.manifest import ScoreBins
from millrace.report import render
from millrace.report.curves import curves
from millrace.report.scores import distribution
from millrace.report.text import METRICS, known_by
from millrace.runs.headline import headline
from millrace.workload.target import BINARY_METRICS, NUMBER_METRICS, QUANTILE_METRICS


@pytest.mark.parametrize("quantiles", [True, False])
def test_a_report_of_numbers_is_well_formed_and_has_no_word_of_classes(quantiles: bool) -> None:
    html = render(numbers(quantiles=quantiles))
    page = read(html)
    assert page.faults == []
    visible = page.visible.lower()
    for word in ("positive", "probabilit", "true positive rate", "recall", "observed rate"):
        assert word not in visible, word
    assert "412 held-out rows. Dots are" in page.visible
    assert ("Coverage of the quantiles" in page.visible) == quantiles
    assert ("Predicted quantiles" in page.visible) == quantiles


def test_a_group_of_rows_without_a_value_is_called_missing() -> None:
    found = evaluation()
    slices = [found.slices[0].model_copy(update={"left_out": [""]})]
    told = numbers().model_copy(update={"evaluation": found.model_copy(update={"slices": slices})})
    assert "Too small to tell anything: missing." in read(render(told)).visible


def test_a_report_of_classes_has_them_still() -> None:
    visible = read(render(ENDINGS["passed"]())).visible
    assert "(373 positive, 27 %)" in visible.replace("\N{NO-BREAK SPACE}", " ")
    assert "Positive" in visible
    assert "Coverage of the quantiles" not in visible


def test_the_figures_at_the_top_are_the_error_and_its_difference() -> None:
    page = read(render(numbers()))
    assert "RMSE 4.21" in page.visible
    assert "Against champion" in page.visible


def test_numbers_are_charted_as_predicted_against_observed_and_as_coverage() -> None:
    observed, coverage = curves(evaluation())
    assert (observed.title, observed.y_label) == ("Predicted against observed", "mean label")
    assert [line.series.label for line in observed.lines] == [
        *("Candidate", "Champion"),
        *("Ridge regression", "Gradient boosting"),
    ]
    assert "By RMSE: Candidate 4.210" in observed.description
    first, last = observed.lines[0].marks[0], observed.lines[0].marks[-1]
    assert first[0] < 70
    assert last[0] > 320
    assert (coverage.title, coverage.lines[0].note) == ("Coverage of the quantiles", "0.021")
    assert [chart.key for chart in curves(evaluation(quantiles=False))] == ["observed"]


def test_the_distribution_of_numbers_spans_the_numbers_and_not_0_to_1() -> None:
    bins = ScoreBins(edges=[float(1000 + n) for n in range(9)], counts=[10] * 10)
    chart = distribution(bins, "regression")
    assert chart is not None
    assert chart.bars[0].title.startswith("999 to 999.5: ")
    assert chart.bars[-1].title.startswith("1,008.5 to 1,009: ")
    heights = [bar.height for bar in chart.bars]
    assert max(heights) - min(heights) < 1


@pytest.mark.parametrize("edge", [0.0, -7.0, 1e6])
def test_predictions_that_are_all_the_same_have_a_distribution_too(edge: float) -> None:
    chart = distribution(ScoreBins(edges=[edge], counts=[0, 10]), "regression")
    assert chart is not None
    assert max(bar.height for bar in chart.bars) > 0


def test_a_run_is_told_by_the_error_of_its_candidate() -> None:
    assert ": RMSE 4.210 (3.910 to 4.495), gates: 1 passed." in headline(numbers())
    assert known_by({}) == ""


def test_every_metric_has_a_name_for_people() -> None:
    assert set(METRICS) == {*BINARY_METRICS, *NUMBER_METRICS, *QUANTILE_METRICS}
