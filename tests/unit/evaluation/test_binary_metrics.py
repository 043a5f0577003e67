import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from millrace.evaluation.binary import BINS, METRICS, BinarySample, is_probability

PEERS = {
    "roc_auc": sklearn_metrics.roc_auc_score,
    "pr_auc": sklearn_metrics.average_precision_score,
    "log_loss": sklearn_metrics.log_loss,
    "brier": sklearn_metrics.brier_score_loss,
}


@st.composite
def weighted_rows(draw):
    """Labels of both classes, scores with many ties or with few, and whole weights."""
    n = draw(st.integers(2, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.r_[0.0, 1.0, random.integers(0, 2, n - 2)]
    scores = np.round(random.uniform(0.001, 0.999, n), draw(st.sampled_from([1, 2, 12])))
    scores = np.clip(scores, 0.001, 0.999)
    weights = random.integers(0, 4, n).astype(float)
    weights[:2] += 1
    return labels, scores, weights


def measure(name, labels, scores, weights):
    (value,) = METRICS[name](BinarySample(labels, scores).weighted(weights[np.newaxis]))
    return value


@pytest.mark.parametrize("name", PEERS)
@given(weighted_rows())
def test_a_metric_equals_scikit_learns_with_weights_and_ties(name, rows):
    labels, scores, weights = rows
    peer = PEERS[name](labels, scores, sample_weight=weights)
    assert measure(name, labels, scores, weights) == pytest.approx(peer, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"calibration_error"}))
@given(weighted_rows())
def test_a_weight_is_how_often_a_row_stands_there(name, rows):
    labels, scores, weights = rows
    times = weights.astype(int)
    repeated = np.repeat(labels, times), np.repeat(scores, times)
    once = measure(name, *repeated, np.ones(times.sum()))
    assert measure(name, labels, scores, weights) == pytest.approx(once, rel=1e-9, abs=1e-12)


@given(weighted_rows())
def test_the_calibration_error_is_the_weighted_mean_over_bins_told_one_by_one(rows):
    labels, scores, weights = rows
    edges = np.quantile(scores, np.arange(1, BINS) / BINS)
    told = 0.0
    for which in range(BINS):
        inside = [i for i, s in enumerate(scores) if sum(s >= edge for edge in edges) == which]
        told += abs(sum(weights[i] * (labels[i] - scores[i]) for i in inside))
    value = measure("calibration_error", labels, scores, weights)
    assert value == pytest.approx(told / weights.sum(), abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from([0.8, 0.9]), st.booleans()), min_size=3, max_size=6))
def test_the_lift_is_the_mean_over_all_ways_to_break_ties(top):
    rows = [*top, *((0.1 + 0.01 * i, i % 3 == 0) for i in range(25 - len(top)))]
    share_taken = np.r_[1.0, 1.0, 0.5, np.zeros(22)]  # a tenth of 25 rows
    found = [
        share_taken @ [label for _, label in sorted(order, key=lambda row: -row[0])]
        for order in ([*order, *rows[len(top) :]] for order in itertools.permutations(top))
    ]
    scores, labels = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    expected = np.mean(found) / 2.5 / labels.mean()
    assert measure("lift_at_10", labels, scores, np.ones(25)) == pytest.approx(expected)


def test_the_lift_of_a_perfect_ranking_is_one_over_the_base_rate():
    labels = np.r_[np.ones(20), np.zeros(80)]
    assert measure("lift_at_10", labels, labels, np.ones(100)) == pytest.approx(5.0)


def test_bins_hold_equally_many_rows_when_scores_differ():
    random = np.random.default_rng(3)
    sample = BinarySample(np.r_[0.0, np.ones(999)], random.permutation(1000) / 1000)
    assert np.bincount(sample.bin_of).tolist() == [100] * BINS


@given(weighted_rows())
def test_many_weightings_at_once_are_the_same_as_one_by_one(rows):
    labels, scores, weights = rows
    table = np.stack([weights, np.ones_like(weights), weights[::-1] + 1])
    for name, metric in METRICS.items():
        together = metric(BinarySample(labels, scores).weighted(table))
        alone = [measure(name, labels, scores, row) for row in table]
        np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)


def test_a_metric_that_one_class_cannot_tell_is_nan_without_a_warning(recwarn):
    sample = BinarySample(np.array([0.0, 1.0]), np.array([0.1, 0.9]))
    only_negative, only_positive = np.array([[2.0, 0.0]]), np.array([[0.0, 2.0]])
    for name in ("roc_auc", "pr_auc", "lift_at_10"):
        assert np.isnan(METRICS[name](sample.weighted(only_negative)))
    assert np.isnan(METRICS["roc_auc"](sample.weighted(only_positive)))
    for name in ("log_loss", "brier", "calibration_error"):
        assert np.isfinite(METRICS[name](sample.weighted(only_negative)))
    assert not recwarn


def test_a_sure_and_wrong_prediction_costs_a_finite_loss():
    loss = measure("log_loss", np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.ones(2))
    assert loss == pytest.approx(-np.log(1e-15))


def test_only_numbers_from_0_to_1_are_probabilities():
    told = is_probability(np.array([[0.0], [0.5], [1.0], [-0.1], [1.1], [np.nan]]))
    assert told.tolist() == [True, True, True, False, False, False]
