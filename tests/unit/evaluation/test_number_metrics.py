"""Metrics of numbers equal those of scikit-learn, for every weighting at once."""

import numpy as np
import pytest
import sklearn.metrics as peers

from millrace.evaluation.bootstrap import Subject, resample
from millrace.evaluation.curves import calibration_curve, coverage_curve
from millrace.evaluation.number import METRICS, QUANTILE_METRICS, NumberSample, ascend
from millrace.evaluation.result import HIGHER_IS_BETTER
from millrace.evaluation.task import task_of
from millrace.workload.target import BINARY_METRICS, RegressionTarget

LEVELS = (0.1, 0.5, 0.8)
ALL = METRICS | QUANTILE_METRICS


@pytest.fixture
def rows():
    random = np.random.default_rng(3)
    labels = random.normal(30, 8, 300)
    mean = labels + random.normal(0, 3, 300)
    spread = np.sort(random.normal(0, 4, (300, 3)), axis=1)
    return labels, np.column_stack([mean, mean[:, np.newaxis] + spread])


def value(name, labels, answers, weights, levels=LEVELS):
    sample = NumberSample(labels, answers, levels)
    (found,) = ALL[name](sample.weighted(weights[np.newaxis]))
    return found


@pytest.mark.parametrize("weighting", ["ones", "drawn"])
def test_metrics_equal_their_peers(rows, weighting):
    labels, answers = rows
    random = np.random.default_rng(0)
    weights = np.ones(300) if weighting == "ones" else random.integers(0, 4, 300).astype(float)
    mean = answers[:, 0]
    expected = {
        "rmse": peers.root_mean_squared_error(labels, mean, sample_weight=weights),
        "mae": peers.mean_absolute_error(labels, mean, sample_weight=weights),
        "pinball": np.mean(
            [
                peers.mean_pinball_loss(
                    labels, answers[:, 1 + place], sample_weight=weights, alpha=level
                )
                for place, level in enumerate(LEVELS)
            ]
        ),
        "coverage_error": np.mean(
            [
                abs(np.average(labels <= answers[:, 1 + place], weights=weights) - level)
                for place, level in enumerate(LEVELS)
            ]
        ),
    }
    for name, known in expected.items():
        assert value(name, labels, answers, weights) == pytest.approx(known), name


def test_all_weightings_at_once_are_what_each_is_alone(rows):
    labels, answers = rows
    table = np.random.default_rng(1).integers(0, 3, (7, 300)).astype(float)
    for name, metric in ALL.items():
        together = metric(NumberSample(labels, answers, LEVELS).weighted(table))
        alone = [value(name, labels, answers, weights) for weights in table]
        np.testing.assert_allclose(together, alone)


def test_quantiles_that_hold_what_they_say_have_no_coverage_error():
    labels = np.arange(1.0, 101.0)
    answers = np.column_stack([labels, np.full(100, 10.0), np.full(100, 90.0)])
    assert value("coverage_error", labels, answers, np.ones(100), (0.1, 0.9)) == pytest.approx(0)
    assert value("coverage_error", labels, answers, np.ones(100), (0.2, 0.8)) == pytest.approx(0.1)


def test_a_weighting_without_rows_has_no_metric(rows):
    for name in ALL:
        assert np.isnan(value(name, *rows, np.zeros(300))), name


def test_a_model_is_no_different_from_itself_on_any_resample(rows):
    labels, answers = rows
    target = RegressionTarget(column="x", kind="regression", quantiles=list(LEVELS))
    task = task_of(target)
    subjects = {name: Subject(task.sample(labels, answers)) for name in "ab"}
    drawn = resample(task, subjects, 300, seed=1, resamples=20)
    assert set(drawn["a"]) == {"rmse", "mae", "pinball", "coverage_error"}
    for name in task.metrics:
        assert np.array_equal((drawn["a"][name] - drawn["b"][name]).draws, np.zeros(20))


def test_a_target_is_measured_by_what_its_gates_may_name():
    for levels in ([], [0.5]):
        target = RegressionTarget(column="x", kind="regression", quantiles=levels)
        assert tuple(task_of(target).metrics) == target.metrics
    assert set(HIGHER_IS_BETTER) == {*BINARY_METRICS, *ALL}


def test_the_calibration_curve_sets_mean_labels_against_mean_predictions(rows):
    labels, answers = rows
    curve = calibration_curve(NumberSample(labels, answers, LEVELS))
    assert len(curve.x) == 10
    assert np.mean(curve.x) == pytest.approx(answers[:, 0].mean())
    assert np.mean(curve.y) == pytest.approx(labels.mean())
    assert curve.x == sorted(curve.x)


def test_the_coverage_curve_sets_observed_shares_against_levels(rows):
    labels, answers = rows
    curve = coverage_curve(NumberSample(labels, answers, LEVELS))
    assert curve.x == list(LEVELS)
    assert curve.y[1] == pytest.approx(np.mean(labels <= answers[:, 2]))


def test_only_quantiles_that_ascend_are_possible():
    answers = np.array([[5.0, 1.0, 2.0], [5.0, 2.0, 2.0], [5.0, 2.0, 1.0]])
    assert ascend(answers).tolist() == [True, True, False]
    assert ascend(np.array([[5.0]])).tolist() == [True]
