import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from millrace.evaluation.binary import BinarySample
from millrace.evaluation.curves import POINTS, calibration_curve, precision_recall_curve, roc_curve


def sample_of(n, seed, decimals=12):
    random = np.random.default_rng(seed)
    labels = np.r_[0.0, 1.0, random.integers(0, 2, n - 2)]
    return BinarySample(labels, np.round(random.random(n) * 0.7 + labels * 0.3, decimals))


@given(st.integers(2, 2000), st.integers(0, 99), st.sampled_from([1, 12]))
def test_curves_are_thin_and_run_from_end_to_end(n, seed, decimals):
    sample = sample_of(n, seed, decimals)
    roc, recall = roc_curve(sample), precision_recall_curve(sample)
    assert max(len(roc.x), len(recall.x)) <= POINTS
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert roc.x == sorted(roc.x)
    assert roc.y == sorted(roc.y)
    assert recall.x[-1] == 1
    assert recall.y[-1] == pytest.approx(sample.labels.mean())
    assert recall.x == sorted(recall.x)


def test_a_thinned_roc_curve_still_spans_its_area():
    sample = sample_of(20_000, 1)
    curve = roc_curve(sample)
    area = np.trapezoid(curve.y, curve.x)
    assert area == pytest.approx(roc_auc_score(sample.labels, sample.scores), abs=2e-3)


def test_a_calibrated_model_lies_on_the_diagonal():
    random = np.random.default_rng(0)
    scores = random.random(50_000)
    labels = (random.random(50_000) < scores).astype(float)
    curve = calibration_curve(BinarySample(labels, scores))
    assert len(curve.x) == 10
    assert np.abs(np.array(curve.x) - np.array(curve.y)).max() < 0.03


def test_bins_that_ties_leave_empty_have_no_point():
    curve = calibration_curve(BinarySample(np.array([0.0, 1.0, 1.0, 0.0]), np.full(4, 0.5)))
    assert (curve.x, curve.y) == ([0.5], [0.5])
