"""Plain models of the same rows: what a candidate must be worth its effort against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from millrace.dataset.manifest import Feature
from millrace.evaluation.held_out import Rows
from millrace.evaluation.plain_inputs import (
    for_linear_models,
    for_trees,
    inputs_of,
    names_of,
    tells_anything,
)

Answers = NDArray[np.float64]


def score_baselines(
    seen: Rows, held_out: Rows, quantiles: Sequence[float] = ()
) -> dict[str, Answers]:
    """Return what each baseline, fitted on rows, predicts for held-out rows.

    Args:
        seen: the rows of the train and validation parts.
        held_out: the n rows of the test part.
        quantiles: levels of the q quantiles that are asked for beside a number.

    Returns:
        Answers by the baseline's name, each of shape [n, 1 + q]: probabilities of the positive
        class, or numbers with quantiles that ascend.
    """
    features = [f for f in seen.manifest.features if tells_anything(seen.frame, f)]
    known, asked = inputs_of(seen.frame, features), inputs_of(held_out.frame, features)
    if seen.manifest.kind == "binary":
        models = {
            "logistic_regression": make_pipeline(
                for_linear_models(features), LogisticRegression(max_iter=2000)
            ),
            "gradient_boosting": _boosting(HistGradientBoostingClassifier, features),
        }
        return {
            name: model.fit(known, seen.labels).predict_proba(asked)[:, 1:].astype(np.float64)
            for name, model in models.items()
        }
    return {
        "ridge_regression": _ridge_regression(features, known, seen.labels, asked, quantiles),
        "gradient_boosting": _boosted_numbers(features, known, seen.labels, asked, quantiles),
    }


def _ridge_regression(
    features: Sequence[Feature], known: Any, labels: Answers, asked: Any, quantiles: Sequence[float]
) -> Answers:
    """Return means, and means shifted by the quantiles of what they miss on the rows seen."""
    model = make_pipeline(for_linear_models(features), Ridge()).fit(known, labels)
    mean = model.predict(asked)
    missed = labels - model.predict(known)
    return np.column_stack([mean, *(mean + np.quantile(missed, level) for level in quantiles)])


def _boosted_numbers(
    features: Sequence[Feature], known: Any, labels: Answers, asked: Any, quantiles: Sequence[float]
) -> Answers:
    """Return means, and the quantiles of one model each, sorted so that they do not cross."""
    models = [
        _boosting(HistGradientBoostingRegressor, features),
        *(
            _boosting(HistGradientBoostingRegressor, features, loss="quantile", quantile=level)
            for level in quantiles
        ),
    ]
    answers = np.column_stack([model.fit(known, labels).predict(asked) for model in models])
    answers[:, 1:] = np.sort(answers[:, 1:], axis=1)
    return answers


def _boosting(kind: Any, features: Sequence[Feature], **options: Any) -> Any:
    categorical = list(range(len(names_of(features, "category"))))
    forest = kind(categorical_features=categorical, random_state=0, **options)
    return make_pipeline(for_trees(features), forest)
