"""Constants come from the training rows; what the module gets is finite and complete."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import as_columns, features_of, sample_frame, write_dataset

from millrace.dataset.manifest import LABEL
from millrace.errors import DatasetError
from millrace.training import Inputs
from millrace.training.columns import read_columns
from millrace.training.preprocessing import Preprocessing, fit_preprocessing
from millrace.training.tensors import CLIP, Standardise, raw_tensors

FEATURES = features_of(("age", "total spent"), ("plan.name", "größe"))


def fitted(frame: pd.DataFrame) -> Preprocessing:
    return fit_preprocessing(as_columns(frame, FEATURES), FEATURES)


def test_constants_are_mean_and_deviation_of_what_is_not_missing():
    frame = sample_frame(300)
    age, spent = fitted(frame).numbers
    assert age.mean == pytest.approx(frame["age"].astype(float).mean())
    assert spent.std == pytest.approx(frame["total spent"].astype(float).std(ddof=0))


def test_only_a_number_that_was_missing_gets_an_indicator():
    age, spent = fitted(sample_frame(300)).numbers
    assert (age.indicator, spent.indicator) == (False, True)


def test_vocabularies_are_sorted_and_hold_no_missing_value():
    preprocessing = fitted(sample_frame(300))
    assert [v.values for v in preprocessing.categories] == [["basic", "plus"], ["groß", "klein"]]


def test_inputs_count_indicators_and_the_unknown_value():
    assert fitted(sample_frame(300)).inputs() == Inputs(numbers=3, cardinalities=(3, 3))


def test_unknown_and_missing_values_have_index_0():
    preprocessing = fitted(sample_frame(300))
    rows = sample_frame(4).assign(**{"plan.name": ["plus", "new", "", None]})
    _, categories = raw_tensors(as_columns(rows, FEATURES), preprocessing)
    assert categories[:, 0].tolist() == [2, 0, 0, 0]


def test_standardised_training_rows_have_mean_0_and_deviation_1():
    frame = sample_frame(500)
    preprocessing = fitted(frame)
    numbers, _ = raw_tensors(as_columns(frame, FEATURES), preprocessing)
    standardised = Standardise(preprocessing)(numbers)
    assert standardised[:, 0].mean().item() == pytest.approx(0, abs=1e-4)
    assert standardised[:, 0].std(correction=0).item() == pytest.approx(1, abs=1e-4)


def test_a_missing_number_becomes_0_with_its_indicator_set():
    preprocessing = fitted(sample_frame(300))
    numbers = torch.tensor([[40.0, float("nan")], [40.0, 100.0]])
    standardised = Standardise(preprocessing)(numbers)
    assert standardised[0, 1:].tolist() == [0.0, 1.0]
    assert standardised[1, 2].item() == 0.0


@given(st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_whatever_the_numbers_the_module_gets_finite_ones_within_the_clip(values):
    preprocessing = fitted(sample_frame(50))
    numbers = torch.tensor([[v, v] for v in values], dtype=torch.float32)
    standardised = Standardise(preprocessing)(numbers)
    assert torch.isfinite(standardised).all()
    assert standardised.abs().max() <= CLIP


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6, 3e38, np.nan])
def test_a_constant_or_wholly_missing_number_is_not_divided_by_0(value):
    frame = sample_frame(50).assign(age=np.float32(value))
    preprocessing = fitted(frame)
    numbers, _ = raw_tensors(as_columns(frame, FEATURES), preprocessing)
    assert preprocessing.numbers[0].std == 1.0
    assert (Standardise(preprocessing)(numbers)[:, 0] == 0).all()


def test_a_wholly_missing_category_has_an_empty_vocabulary():
    assert fitted(sample_frame(50).assign(**{"plan.name": ""})).categories[0].values == []


def test_infinite_numbers_are_an_error_that_names_feature_and_row(tmp_path):
    frame = sample_frame(10)
    frame.loc[3, "age"] = np.inf
    write_dataset(tmp_path, frames=[frame, sample_frame(5), sample_frame(5)])
    with pytest.raises(
        DatasetError, match=r"train.parquet: the feature 'age' is infinite in row 3"
    ):
        read_columns(tmp_path, "train", FEATURES)


def test_a_column_that_is_not_there_is_an_error(tmp_path):
    write_dataset(tmp_path, numbers=("age",))
    with pytest.raises(DatasetError, match="'total spent' is not there"):
        read_columns(tmp_path, "train", FEATURES)


def test_a_part_that_is_not_there_or_no_parquet_is_an_error(tmp_path):
    write_dataset(tmp_path)
    (tmp_path / "train.parquet").write_bytes(b"PAR1 half")
    (tmp_path / "test.parquet").unlink()
    for part in ("train", "test"):
        with pytest.raises(DatasetError, match=rf"{part}.parquet: cannot be read.*assemble again"):
            read_columns(tmp_path, part, FEATURES)


def test_columns_keep_the_order_of_rows_and_turn_null_into_missing(tmp_path):
    frame = sample_frame(6).assign(**{"plan.name": ["plus", None, "basic", "", "plus", "plus"]})
    write_dataset(tmp_path, frames=[frame, frame, frame])
    columns = read_columns(tmp_path, "train", FEATURES)
    assert columns.categories[0].to_pylist() == ["plus", "", "basic", "", "plus", "plus"]
    np.testing.assert_array_equal(columns.numbers[:, 0], frame["age"])
    np.testing.assert_array_equal(columns.label, frame[LABEL])
