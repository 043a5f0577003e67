"""Places on scales, whiskers, curves and bars."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_documents import exported, training
from report_endings import ENDINGS
from report_evaluation import evaluation

from millrace.evaluation.result import Curve, Estimate
from millrace.export.manifest import ScoreBins
from millrace.report.chart import HEIGHT, WIDTH
from millrace.report.curves import curves
from millrace.report.learning import learning_curve
from millrace.report.scale import Scale, scale_around, ticks, whisker
from millrace.report.scores import (
    EQUAL_BINS,
    distribution,
    equal_shares,
    shift,
    total_variation,
)
from millrace.report.series import series_of
from millrace.training.report import Epoch

numbers = st.floats(-1e6, 1e6, allow_nan=False)
counts = st.lists(st.integers(0, 1000), min_size=3, max_size=3)


@given(st.lists(st.floats(-1e100, 1e100) | st.sampled_from([math.nan, math.inf]), max_size=20))
def test_a_scale_holds_every_number_there_is(values: list[float]) -> None:
    scale = scale_around(values)

    assert scale.low < scale.high
    assert all(0 <= scale.at(value) <= 1 for value in values if math.isfinite(value))


@given(numbers, st.floats(1e-6, 1e6))
def test_ticks_are_few_ascending_and_inside(low: float, width: float) -> None:
    high = low + width
    found = ticks(low, high)

    assert 1 <= len(found) <= 7
    assert found == sorted(found)
    slack = 1e-6 * width + 1e-9
    assert all(low - slack <= tick <= high + slack for tick in found)


def test_ticks_are_round_numbers() -> None:
    assert ticks(0, 1) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0.41, 0.68) == [0.45, 0.5, 0.55, 0.6, 0.65]
    assert ticks(3, 3) == [3]


@given(numbers, numbers, numbers)
def test_a_whisker_keeps_the_order_of_its_parts(a: float, b: float, c: float) -> None:
    low, value, high = sorted((a, b, c))
    drawn = whisker(Estimate(value=value, low=low, high=high), scale_around([low, high]))

    assert drawn is not None
    assert 0 <= drawn.low <= drawn.at <= drawn.high <= 100


def test_an_estimate_that_is_no_number_draws_no_whisker() -> None:
    assert whisker(Estimate(value=math.nan, low=0, high=1), Scale(0, 1)) is None


def test_metrics_that_are_no_numbers_are_told_as_missing() -> None:
    from millrace.report import render

    summary = ENDINGS["passed"]()
    assert summary.evaluation is not None
    broken = Estimate(value=math.nan, low=math.nan, high=math.nan)
    own = summary.evaluation.models[0].model_copy(update={"metrics": {"roc_auc": broken}})
    found = summary.evaluation.model_copy(
        update={"models": [own, *summary.evaluation.models[1:]], "parity": 1.7976931348623157e308}
    )
    html = render(summary.model_copy(update={"evaluation": found}))

    assert ">nan" not in html.lower()
    assert "torch answers no number" in html


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=50))
def test_curves_stay_inside_their_box(points: list[tuple[float, float]]) -> None:
    found = evaluation()
    odd = Curve(x=[x for x, _ in points], y=[y for _, y in points])
    own = found.models[0].model_copy(update={"roc": odd, "calibration": odd})

    for chart in curves(found.model_copy(update={"models": [own]})):
        for point in chart.lines[0].points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT


def test_models_without_points_are_not_drawn_and_charts_without_models_are_left_out() -> None:
    empty = Curve(x=[], y=[])
    found = evaluation()
    own = found.models[0].model_copy(update={"roc": empty})

    charts = curves(found.model_copy(update={"models": [own]}))

    assert [chart.key for chart in charts] == ["pr", "calibration"]


def test_candidate_and_champion_look_the_same_in_every_report() -> None:
    with_champion = series_of(evaluation().models)
    without = series_of(evaluation(champion=False).models)

    assert with_champion["candidate"].look == without["candidate"].look == 0
    assert with_champion["champion"].look == 1
    assert with_champion["gradient_boosting"] == without["gradient_boosting"]
    assert len({series.look for series in with_champion.values()}) == 4


def test_the_learning_curve_marks_the_best_epoch() -> None:
    chart = learning_curve(training())

    assert chart is not None
    assert [guide.label for guide in chart.guides] == ["best: epoch 21"]
    assert [len(line.points.split()) for line in chart.lines] == [31, 31]


def test_one_epoch_is_drawn_as_dots_and_none_not_at_all() -> None:
    one = training().model_copy(update={"curve": training().curve[:1], "best_epoch": 1})
    none = training().model_copy(update={"curve": []})
    lost = training().model_copy(
        update={"curve": [Epoch(epoch=1, train_loss=math.nan, validation_loss=math.nan)]}
    )

    chart = learning_curve(one)
    assert chart is not None
    assert [len(line.marks) for line in chart.lines] == [1, 1]
    assert learning_curve(none) is None
    assert learning_curve(lost) is None


def test_scores_are_drawn_as_shares_in_equal_bins() -> None:
    chart = distribution(ScoreBins(edges=[0.5], counts=[30, 10]))

    assert chart is not None
    left, right = chart.bars[0], chart.bars[-1]
    assert left.height / right.height == pytest.approx(3, rel=0.02)
    assert left.width == pytest.approx(right.width, abs=0.2)
    assert len(chart.bars) == EQUAL_BINS


def test_a_very_narrow_bin_leaves_the_others_to_be_seen() -> None:
    chart = distribution(ScoreBins(edges=[0.3, 0.3001, 0.7], counts=[100, 100, 100, 100]))

    assert chart is not None
    heights = [bar.height for bar in chart.bars]
    assert min(heights) > max(heights) / 10


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.lists(st.integers(0, 1000), min_size=31, max_size=31),
)
def test_equal_bins_hold_every_row(edges: list[float], counts: list[int]) -> None:
    counts = [1 + counts[0], *counts[1 : len(edges) + 1]]
    shares = equal_shares([0.0, *sorted(edges), 1.0], counts)
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(
    "bins",
    [
        ScoreBins(edges=[], counts=[5]),
        ScoreBins(edges=[0.0, 0.0, 1.0], counts=[0, 2, 3, 4]),
        ScoreBins(edges=[0.2], counts=[0, 0]),
    ],
)
def test_odd_bins_are_drawn_as_far_as_they_can_be(bins: ScoreBins) -> None:
    chart = distribution(bins)

    assert (chart is None) == (sum(bins.counts) == 0)


@given(counts, counts)
def test_total_variation_is_a_distance_between_0_and_1(left: list[int], right: list[int]) -> None:
    assert total_variation(left, left) == 0
    assert 0 <= total_variation(left, right) <= 1 + 1e-9
    assert total_variation(left, right) == total_variation(right, left)
    assert total_variation([5, 0], [0, 7]) == 1


def test_scores_are_not_compared_without_a_champion() -> None:
    assert shift(evaluation(champion=False)) is None
    assert distribution(exported().bins) is not None
