import numpy as np
import pytest

from millrace.errors import EvaluationError
from millrace.evaluation import bootstrap
from millrace.evaluation.binary import BinarySample
from millrace.evaluation.bootstrap import Draws, Subject, resample
from millrace.evaluation.task import BINARY as TASK


def rows(n=400, seed=0, noise=1.0):
    random = np.random.default_rng(seed)
    labels = np.r_[0.0, 1.0, random.integers(0, 2, n - 2)]
    return labels, 1 / (1 + np.exp(-(labels - 0.5 + noise * random.normal(size=n))))


def test_a_model_is_no_different_from_itself_on_any_resample():
    labels, scores = rows()
    subjects = {name: Subject(BinarySample(labels, scores)) for name in "ab"}
    drawn = resample(TASK, subjects, len(labels), seed=1, resamples=50)
    for name in TASK.metrics:
        assert np.array_equal((drawn["a"][name] - drawn["b"][name]).draws, np.zeros(50))


def test_a_paired_difference_is_surer_than_the_two_intervals_apart():
    labels, scores = rows()
    close = np.clip(scores + np.random.default_rng(5).normal(0, 0.01, len(scores)), 0, 1)
    subjects = {0: Subject(BinarySample(labels, scores)), 1: Subject(BinarySample(labels, close))}
    drawn = resample(TASK, subjects, len(labels), seed=1, resamples=200)
    paired = (drawn[0]["roc_auc"] - drawn[1]["roc_auc"]).estimate("metric")
    alone = drawn[0]["roc_auc"].estimate("metric")
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)


def test_the_same_seed_draws_the_same_and_another_does_not():
    labels, scores = rows()
    subjects = {"m": Subject(BinarySample(labels, scores))}
    first, again, other = (
        resample(TASK, subjects, len(labels), seed=seed, resamples=20)["m"]["brier"].draws
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_small_chunks_draw_what_large_ones_do(monkeypatch):
    labels, scores = rows()
    subjects = {"m": Subject(BinarySample(labels, scores))}
    large = resample(TASK, subjects, len(labels), seed=3, resamples=30)
    told = []
    monkeypatch.setattr(bootstrap, "_CELLS", 7 * len(labels))
    small = resample(TASK, subjects, len(labels), seed=3, resamples=30, told=told.append)
    assert told == [7, 14, 21, 28, 30]
    for name in TASK.metrics:
        np.testing.assert_allclose(small["m"][name].draws, large["m"][name].draws, rtol=1e-12)


def test_a_subject_on_some_rows_is_measured_on_these_alone():
    labels, scores = rows()
    some = np.arange(0, 400, 2)
    subjects = {"some": Subject(BinarySample(labels[some], scores[some]), some)}
    drawn = resample(TASK, subjects, len(labels), seed=1, resamples=20)["some"]["brier"]
    assert drawn.value == pytest.approx(np.mean((labels[some] - scores[some]) ** 2))


def test_a_subject_on_some_rows_sees_them_drawn_as_the_others_do():
    _, scores = rows()
    labels, half = np.r_[1.0, np.zeros(399)], np.arange(200, 400)
    inside = np.isin(np.arange(400), half).astype(float)
    masked, share = scores * inside, inside
    subjects = {
        "half": Subject(BinarySample(labels[half], scores[half]), half),
        "masked": Subject(BinarySample(0 * labels, masked)),
        "share": Subject(BinarySample(0 * labels, share)),
    }
    drawn = {
        name: found["brier"].draws
        for name, found in resample(TASK, subjects, 400, seed=1, resamples=20).items()
    }
    np.testing.assert_allclose(drawn["half"], drawn["masked"] / drawn["share"])


@pytest.mark.parametrize("positives", [1, 2])
def test_resamples_of_one_class_give_no_nan(positives):
    labels = np.r_[np.ones(positives), np.zeros(30 - positives)]
    scores = np.linspace(0.9, 0.1, 30)
    subjects = {"m": Subject(BinarySample(labels, scores))}
    drawn = resample(TASK, subjects, 30, seed=0, resamples=200)["m"]
    assert np.isnan(drawn["roc_auc"].draws).any()
    for draws in drawn.values():
        estimate = draws.estimate("metric")
        assert np.isfinite([estimate.value, estimate.low, estimate.high]).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth = np.mean([np.mean((y - s) ** 2) for y, s in (rows(seed=i) for i in range(1000, 1200))])
    covered = 0
    for seed in range(100):
        labels, scores = rows(n=200, seed=seed)
        subjects = {"m": Subject(BinarySample(labels, scores))}
        drawn = resample(TASK, subjects, 200, seed=seed, resamples=200)["m"]["brier"].estimate(
            "metric"
        )
        covered += drawn.low <= truth <= drawn.high
    assert 88 <= covered <= 100


def test_the_interval_always_holds_its_value():
    estimate = Draws(0.01, np.linspace(0.02, 0.05, 100)).estimate("metric")
    assert (estimate.low, estimate.value) == (0.01, 0.01)


def test_a_difference_of_losses_is_signed_so_that_positive_is_better():
    ours, theirs = Draws(0.3, np.array([0.3])), Draws(0.5, np.array([0.6]))
    better = (ours - theirs).signed(higher_is_better=False)
    assert better.value == pytest.approx(0.2)
    assert better.draws == pytest.approx([0.3])


@pytest.mark.parametrize(
    "draws",
    [
        Draws(float("nan"), np.array([0.5, 0.6])),
        Draws(float("inf"), np.array([0.5, 0.6])),
        Draws(0.5, np.full(3, np.nan)),
    ],
)
def test_what_is_no_finite_number_is_refused_with_its_name(draws):
    with pytest.raises(EvaluationError, match="roc_auc of the champion: has no finite value"):
        draws.estimate("roc_auc of the champion")


def test_a_metric_of_one_class_is_refused():
    subjects = {"m": Subject(BinarySample(np.zeros(30), np.linspace(0.1, 0.9, 30)))}
    drawn = resample(TASK, subjects, 30, seed=0, resamples=20)["m"]
    assert drawn["brier"].estimate("brier").value > 0
    with pytest.raises(EvaluationError, match="pr_auc: has no finite value"):
        drawn["pr_auc"].estimate("pr_auc")
