"""A model that predicts a number is measured and compared as one that tells classes apart is."""

import numpy as np
import pandas as pd
import pytest
from number_worlds import (
    LEVELS,
    SIGMA,
    Linear,
    number_bundle,
    number_dataset,
    number_export,
    number_rows,
    number_workload,
)

from millrace.errors import EvaluationError, MillraceError
from millrace.evaluation import Evaluation, evaluate
from millrace.evaluation.baselines import score_baselines
from millrace.evaluation.budget import parity
from millrace.evaluation.champion import score_champion
from millrace.evaluation.held_out import read_rows
from millrace.evaluation.slices import rows_by_group
from millrace.evaluation.task import task_of

WORSE = Linear(age=4.0, reach=(-2.0, 2.0))
MEAN_ONLY = Linear(reach=())


def run(make, dataset, exported, champion=None, levels=LEVELS):
    return evaluate(
        number_workload(make, levels),
        dataset,
        exported,
        champion=champion,
        champion_digest="c" * 64 if champion else None,
    )


@pytest.fixture
def dataset(make):
    return number_dataset(make)


def test_every_model_is_measured_by_its_error_and_its_quantiles(make, dataset):
    found = run(make, dataset, number_export(make, dataset, Linear()), number_bundle(make, WORSE))
    assert found.positives is None
    assert [model.name for model in found.models] == [
        *("candidate", "champion"),
        *("ridge_regression", "gradient_boosting"),
    ]
    metrics = ["rmse", "mae", "pinball", "coverage_error"]
    assert all(list(model.metrics) == metrics for model in found.models)
    candidate = found.models[0].metrics
    test = pd.read_parquet(dataset / "test.parquet")
    errors = Linear().answer(test)[:, 0] - test["__label__"]
    assert candidate["rmse"].value == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-5)
    assert candidate["rmse"].low < SIGMA < candidate["rmse"].high
    assert candidate["coverage_error"].value < 0.04
    assert Evaluation.model_validate_json(found.model_dump_json()) == found


def test_a_better_candidate_differs_upwards_though_errors_are_better_the_lower(make, dataset):
    found = run(make, dataset, number_export(make, dataset, Linear()), number_bundle(make, WORSE))
    differences = {c.metric: c.difference for c in found.comparisons if c.other == "champion"}
    assert all(differences[metric].low > 0 for metric in ("rmse", "mae", "pinball"))
    assert sum(found.champion_bins) == sum(found.candidate_bins) == found.rows


def test_numbers_have_a_calibration_curve_and_coverage_but_no_ranking(make, dataset):
    found = run(make, dataset, number_export(make, dataset, Linear()))
    for model in found.models:
        assert (model.roc, model.precision_recall) == (None, None)
        assert len(model.calibration.x) == 10
        assert model.coverage.x == LEVELS
    assert found.models[0].coverage.y == pytest.approx(LEVELS, abs=0.04)


def test_without_quantiles_only_the_mean_is_measured(make, dataset):
    exported = number_export(make, dataset, MEAN_ONLY, [])
    found = run(make, dataset, exported, number_bundle(make, MEAN_ONLY, []), levels=[])
    assert all(list(model.metrics) == ["rmse", "mae"] for model in found.models)
    assert all(model.coverage is None for model in found.models)
    assert {c.difference.value for c in found.comparisons if c.other == "champion"} == {0.0}


@pytest.mark.parametrize(
    ("model", "levels", "told"),
    [
        (MEAN_ONLY, [], "the champion predicts a number, and the candidate a number and its quan"),
        (
            Linear(),
            [0.2, 0.9],
            "predicts a number and its quantiles 0.2, 0.9, and the candidate a number and its "
            "quantiles 0.1, 0.9",
        ),
    ],
)
def test_a_champion_with_other_outputs_is_not_compared_and_says_why(
    make, dataset, model, levels, told
):
    champion = number_bundle(make, model, levels)
    found = run(make, dataset, number_export(make, dataset, Linear()), champion)
    assert told in found.champion_problem
    assert found.model("champion") is None


def test_a_champion_that_tells_classes_apart_is_not_compared_with_numbers(make, dataset):
    task = task_of(number_workload(make).spec.target)
    with pytest.raises(MillraceError, match="predicts a probability, and the candidate a number"):
        score_champion(make.bundle(), read_rows(dataset, "test"), task)


@pytest.mark.parametrize("levels", [[], LEVELS])
def test_baselines_learn_the_mean_and_the_quantiles(make, levels):
    dataset = number_dataset(make, number_rows(make, 3000))
    seen, held_out = read_rows(dataset, "train", "validation"), read_rows(dataset, "test")
    found = score_baselines(seen, held_out, levels)
    assert list(found) == ["ridge_regression", "gradient_boosting"]
    for name, answers in found.items():
        assert answers.shape == (len(held_out), 1 + len(levels))
        assert np.sqrt(np.mean((answers[:, 0] - held_out.labels) ** 2)) < 1.25 * SIGMA, name
        assert (np.diff(answers[:, 1:], axis=1) >= 0).all()
        for place, level in enumerate(levels, start=1):
            assert np.mean(held_out.labels <= answers[:, place]) == pytest.approx(level, abs=0.1)


def test_a_category_that_no_baseline_has_seen_is_no_obstacle(make, dataset):
    test = pd.read_parquet(dataset / "test.parquet").assign(plan="never seen")
    test.to_parquet(dataset / "test.parquet")
    parts = read_rows(dataset, "train", "validation"), read_rows(dataset, "test")
    for answers in score_baselines(*parts, LEVELS).values():
        assert np.isfinite(answers).all()


def test_a_group_needs_rows_and_no_classes(make):
    frame = number_rows(make, 600)
    frame.loc[frame.index[:30], "__slice__region"] = "tiny"
    frame.loc[frame["__slice__region"] == "north", "__label__"] = np.float32(7)
    dataset = number_dataset(make, frame)
    large, small = rows_by_group(read_rows(dataset, "test"), "region")
    assert (list(large), small) == (["north", "south"], ["tiny"])
    found = run(make, dataset, number_export(make, dataset, Linear()))
    assert [group.positives for group in found.slices[0].groups] == [None, None]
    assert set(found.slices[0].gaps) == {"rmse", "mae", "pinball", "coverage_error"}


def test_held_out_numbers_may_all_be_the_same(make, dataset):
    test = pd.read_parquet(dataset / "test.parquet").assign(__label__=np.float32(5))
    test.to_parquet(dataset / "test.parquet")
    assert run(make, dataset, number_export(make, dataset, Linear())).models[0].metrics


@pytest.mark.parametrize("label", [np.inf, None])
def test_a_label_that_is_no_number_is_refused(dataset, label):
    test = pd.read_parquet(dataset / "test.parquet")
    test.loc[3, "__label__"] = label
    test.to_parquet(dataset / "test.parquet")
    with pytest.raises(EvaluationError, match=r"test\.parquet: __label__ is no number"):
        read_rows(dataset, "test")


def test_quantiles_that_cross_are_refused_with_their_row(make, dataset):
    exported = number_export(make, dataset, Linear(reach=(1.0, -1.0)))
    with pytest.raises(EvaluationError, match=r"row 0 of test\.parquet is not a number with quan"):
        run(make, dataset, exported)


def test_a_graph_without_the_quantiles_is_told(make, dataset):
    exported = number_export(make, dataset, Linear())
    MEAN_ONLY.write(exported / "model.onnx")
    with pytest.raises(EvaluationError, match="the graph has no quantiles"):
        run(make, dataset, exported)


def test_a_large_number_may_differ_from_torch_by_a_share_of_it(tmp_path):
    file = tmp_path / "parity.parquet"
    pd.DataFrame({"prediction": [1000.0, 0.5], "quantile 0.9": [2000.0, 0.7]}).to_parquet(file)
    close = np.array([[1000.01, 0.0], [0.5, 0.7]])
    close[0, 1] = 2000.1
    assert parity(file, close, [0.9]) == (pytest.approx(5e-5), 0)
    small = np.array([[1000.0, 2000.0], [0.5, 0.7001]])
    assert parity(file, small, [0.9]) == (pytest.approx(1e-4), 1)
