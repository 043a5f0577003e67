"""Plain models of the same rows: what a candidate must be worth its effort against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from millrace.dataset.manifest import Feature
from millrace.evaluation.held_out import Rows

_CATEGORIES = 254
"""Most categories of a column that gradient boosting tells apart; it has 255 bins."""


def score_baselines(seen: Rows, held_out: Rows) -> dict[str, NDArray[np.float64]]:
    """Return what each baseline, fitted on rows, predicts for held-out rows.

    Args:
        seen: the rows of the train and validation parts.
        held_out: the n rows of the test part.

    Returns:
        Probabilities of the positive class by the baseline's name, each of shape [n].
    """
    features = [f for f in seen.manifest.features if _tells_anything(seen.frame, f)]
    known, asked = _inputs(seen.frame, features), _inputs(held_out.frame, features)
    models = {
        "logistic_regression": _logistic_regression(features),
        "gradient_boosting": _gradient_boosting(features),
    }
    return {
        name: model.fit(known, seen.labels).predict_proba(asked)[:, 1].astype(np.float64)
        for name, model in models.items()
    }


def _tells_anything(frame: pd.DataFrame, feature: Feature) -> bool:
    """Return whether a value is known at all; scikit-learn cannot bin a column without one."""
    return feature.kind == "category" or bool(np.isfinite(frame[feature.name]).any())


def _inputs(frame: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """Return the features as scikit-learn takes them: an infinite number is a missing one."""
    columns: dict[str, Any] = {}
    for feature in features:
        values = frame[feature.name]
        if feature.kind == "number":
            columns[feature.name] = values.astype(np.float64).where(np.isfinite(values))
        else:
            columns[feature.name] = values.astype(object).where(values.notna(), "")
    return pd.DataFrame(columns)


def _names(features: Sequence[Feature], kind: str) -> list[str]:
    return [feature.name for feature in features if feature.kind == kind]


def _logistic_regression(features: Sequence[Feature]) -> Pipeline:
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
    )
    prepared = make_column_transformer(
        (numbers, _names(features, "number")),
        (OneHotEncoder(handle_unknown="ignore"), _names(features, "category")),
    )
    return make_pipeline(prepared, LogisticRegression(max_iter=2000))


def _gradient_boosting(features: Sequence[Feature]) -> Pipeline:
    categories = _names(features, "category")
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=_CATEGORIES
    )
    prepared = make_column_transformer(
        (codes, categories), ("passthrough", _names(features, "number"))
    )
    forest = HistGradientBoostingClassifier(
        categorical_features=list(range(len(categories))), random_state=0
    )
    return make_pipeline(prepared, forest)
