import numpy as np
import pandas as pd
import pytest

from millrace.errors import EvaluationError
from millrace.evaluation.bootstrap import Draws
from millrace.evaluation.held_out import read_rows
from millrace.evaluation.slices import gap, rows_by_group, slice_result


def gaussian(random, truths, noise=0.02, resamples=300):
    """Return groups as a bootstrap would give them: measured with noise, redrawn with noise."""
    values = [truth + noise * random.normal() for truth in truths]
    return [Draws(value, value + noise * random.normal(size=resamples)) for value in values]


@pytest.mark.parametrize("groups", [2, 10])
def test_equal_groups_are_rarely_told_apart_however_many_they_are(groups):
    random = np.random.default_rng(groups)
    alarms = sum(gap(gaussian(random, [0.8] * groups), "gap").low > 0 for _ in range(300))
    assert alarms <= 300 * 0.09


@pytest.mark.parametrize("groups", [2, 10])
def test_the_interval_of_a_gap_covers_the_truth(groups):
    random = np.random.default_rng(groups)
    truths = np.linspace(0.75, 0.85, groups)
    found = [gap(gaussian(random, truths), "gap") for _ in range(200)]
    assert sum(estimate.low <= 0.1 <= estimate.high for estimate in found) >= 200 * 0.92


def test_a_group_that_is_far_behind_is_surely_behind():
    estimate = gap(gaussian(np.random.default_rng(0), [0.8, 0.79, 0.5]), "gap")
    assert estimate.value == pytest.approx(0.3, abs=0.1)
    assert 0.2 < estimate.low < estimate.value < estimate.high


def test_resamples_that_cannot_tell_a_group_are_passed_over():
    left, right = gaussian(np.random.default_rng(0), [0.8, 0.6])
    left.draws[:5] = np.nan
    estimate = gap([left, right], "gap")
    assert np.isfinite([estimate.low, estimate.value, estimate.high]).all()


def test_groups_that_never_vary_have_a_gap_without_width():
    groups = [Draws(value, np.full(10, value)) for value in (0.25, 0.5, 1.0)]
    estimate = gap(groups, "gap")
    assert (estimate.low, estimate.value, estimate.high) == (0.75, 0.75, 0.75)


def group_of(rows, positives, name):
    labels = np.r_[np.ones(positives), np.zeros(rows - positives)]
    return pd.DataFrame({"__label__": labels, "__slice__region": name})


def test_groups_with_few_rows_or_few_of_a_class_are_left_out(make):
    frame = make.rows(480)
    parts = [
        group_of(50, 10, "just enough"),
        group_of(50, 40, "just enough of the other class"),
        group_of(49, 20, "few rows"),
        group_of(100, 9, "few positives"),
        group_of(100, 91, "few negatives"),
        group_of(50, 25, None),
    ]
    folder = make.dataset(frame)
    pd.concat(parts).assign(age=0.0, spend=0.0, plan="").to_parquet(folder / "test.parquet")
    large, small = rows_by_group(read_rows(folder, "test"), "region")
    assert list(large) == ["", "just enough", "just enough of the other class"]
    assert small == ["few negatives", "few positives", "few rows"]
    assert large[""].tolist() == list(range(349, 399))


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_groups_have_no_gap(make, count):
    rows = read_rows(make.dataset(), "test")
    members = {"north": np.arange(60)} if count else {}
    draws = {name: {"brier": Draws(0.1, np.full(9, 0.1))} for name in members}
    result = slice_result(rows, "region", members, ["tiny"], draws)
    assert result.gaps == {}
    assert len(result.groups) == count
    assert result.left_out == ["tiny"]


def test_a_group_without_a_finite_metric_is_refused_with_its_name(make):
    rows = read_rows(make.dataset(), "test")
    members = {name: np.arange(60) for name in ("north", "south")}
    draws = {name: {"roc_auc": Draws(0.5, np.full(9, 0.5))} for name in members}
    draws["south"] = {"roc_auc": Draws(float("nan"), np.full(9, np.nan))}
    with pytest.raises(EvaluationError, match="roc_auc of the group 'south' of region: has no fin"):
        slice_result(rows, "region", members, [], draws)


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
def test_a_gap_that_no_resample_tells_is_refused():
    groups = [Draws(0.5, np.full(9, np.nan)), Draws(0.6, np.full(9, 0.6))]
    with pytest.raises(EvaluationError, match="roc_auc gap of region: has no finite value"):
        gap(groups, "roc_auc gap of region")
