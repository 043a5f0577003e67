import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from millrace.dataset.manifest import DatasetManifest
from millrace.evaluation.baselines import score_baselines
from millrace.evaluation.held_out import read_rows


def both_parts(folder):
    return read_rows(folder, "train", "validation"), read_rows(folder, "test")


def test_baselines_learn_what_there_is_to_learn_and_answer_probabilities(make):
    seen, held_out = both_parts(make.dataset(make.rows(4000)))
    best = roc_auc_score(held_out.labels, make.truth.answer(held_out.frame))
    scores = score_baselines(seen, held_out)
    assert list(scores) == ["logistic_regression", "gradient_boosting"]
    for values in scores.values():
        assert values.dtype == np.float64
        assert ((values >= 0) & (values <= 1)).all()
        assert roc_auc_score(held_out.labels, values) > best - 0.05


def test_baselines_answer_the_same_when_fitted_again(make):
    seen, held_out = both_parts(make.dataset())
    first, again = score_baselines(seen, held_out), score_baselines(seen, held_out)
    for name, values in first.items():
        assert np.array_equal(values, again[name])


@pytest.mark.parametrize("kind", ["number", "category"])
def test_features_of_one_kind_are_enough(make, kind):
    folder = make.dataset()
    manifest = DatasetManifest.read(folder / "manifest.json")
    kept = [feature for feature in manifest.features if feature.kind == kind]
    manifest.model_copy(update={"features": kept}).write(folder / "manifest.json")
    scores = score_baselines(*both_parts(folder))
    assert all(np.isfinite(values).all() for values in scores.values())


def test_odd_columns_are_no_obstacle(make):
    frame = make.rows()
    random = np.random.default_rng(0)
    frame["spend"] = np.float32("nan")
    frame.loc[:9, "age"] = [np.inf, -np.inf] * 5
    frame["plan"] = random.permutation([f"plan {i % 600}" for i in range(len(frame))])
    folder = make.dataset(frame)
    test = pd.read_parquet(folder / "test.parquet").assign(plan="never seen", spend=1.0)
    test.to_parquet(folder / "test.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_baselines(*both_parts(folder))
    assert all(np.isfinite(values).all() for values in scores.values())
