"""Features as scikit-learn's models take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from millrace.dataset.manifest import Feature

_CATEGORIES = 254
"""Most categories of a column that gradient boosting tells apart; it has 255 bins."""


def tells_anything(frame: pd.DataFrame, feature: Feature) -> bool:
    """Return whether a value is known at all; scikit-learn cannot bin a column without one."""
    return feature.kind == "category" or bool(np.isfinite(frame[feature.name]).any())


def inputs_of(frame: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """Return the features as scikit-learn takes them: an infinite number is a missing one."""
    columns: dict[str, Any] = {}
    for feature in features:
        values = frame[feature.name]
        if feature.kind == "number":
            columns[feature.name] = values.astype(np.float64).where(np.isfinite(values))
        else:
            columns[feature.name] = values.astype(object).where(values.notna(), "")
    return pd.DataFrame(columns)


def names_of(features: Sequence[Feature], kind: str) -> list[str]:
    """Return the names of the features of a kind."""
    return [feature.name for feature in features if feature.kind == kind]


def for_linear_models(features: Sequence[Feature]) -> Any:
    """Return what scales numbers, marks missing ones and gives each category a column."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
    )
    return make_column_transformer(
        (numbers, names_of(features, "number")),
        (OneHotEncoder(handle_unknown="ignore"), names_of(features, "category")),
    )


def for_trees(features: Sequence[Feature]) -> Any:
    """Return what puts categories first, as codes, and leaves numbers as they are."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=_CATEGORIES
    )
    return make_column_transformer(
        (codes, names_of(features, "category")), ("passthrough", names_of(features, "number"))
    )
