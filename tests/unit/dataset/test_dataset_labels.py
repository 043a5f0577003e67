"""Labels and slices: the records' columns as text, and when there are too few of a class."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.dataset.labels import as_text, check_both_classes, check_parts, known_labels
from millrace.errors import DatasetError
from millrace.workload.target import BinaryTarget
from millrace.workload.time import Time

TARGET = BinaryTarget(column="left", kind="binary", positive="yes")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pd.Series(["a", None, ""]), ["a", "", ""]),
        (pd.Series([1, None], dtype="Int64"), ["1", ""]),
        (pd.Series([1, 0]), ["1", "0"]),
        (pd.Series([1.0, 0.25, np.nan]), ["1", "0.25", ""]),
        (pd.Series([True, None, False], dtype="boolean"), ["true", "", "false"]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series(pd.to_datetime([NOON, None])), ["2024-01-01T12:00:00+00:00", ""]),
        (pd.Series([], dtype=object), []),
    ],
)
def test_values_are_spelled_as_yaml_spells_them(values: pd.Series, texts: list[str]) -> None:
    assert as_text(values).tolist() == texts


def test_a_label_counts_if_it_was_known_at_the_as_of_time() -> None:
    records = pd.DataFrame(
        {
            "left": ["yes", None, "no", "no", "no"],
            "at": pd.to_datetime(["2024-01-01 10:00"] * 4 + ["2024-01-01 13:00"], utc=True),
            "known": pd.to_datetime(
                ["2024-01-01 12:00", "2024-01-01 11:00", "2024-01-01 12:01", None, None], utc=True
            ),
        }
    )
    time = Time(event="at", label_known="known")
    assert known_labels(records, TARGET, time, NOON).tolist() == [True, *[False] * 4]
    at_event = Time(event="at")
    assert known_labels(records, TARGET, at_event, NOON).tolist() == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert known_labels(records, TARGET, None, NOON).tolist() == [True, False, True, True, True]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "no record has a known 'left'"),
        (["no"] * 3, "the target is constant: every label is negative; found 'no' (3)"),
        (["yes"] * 3, "every label is positive; found 'yes' (3); expected records with left 'yes'"),
        (["Yes", "No", "No"], "every label is negative; found 'No' (2), 'Yes' (1)"),
        (list("abcdefg"), "'e' (1), ...; expected"),
        (["yes", "no", "no"], "the positive class is seen only once in 3 records"),
        (["yes", "yes", "no"], "the negative class is seen only once in 3 records"),
    ],
)
def test_labels_of_one_class_are_told_in_one_line(found: list[str], told: str) -> None:
    with pytest.raises(DatasetError) as caught:
        check_both_classes(pd.Series(found, dtype=object), TARGET, where="workload.yaml at target")
    assert told in str(caught.value)
    assert str(caught.value).startswith("workload.yaml at target: ")


def test_two_rows_of_each_class_are_enough() -> None:
    check_both_classes(pd.Series(["yes", "no", "yes", "other"]), TARGET, where="")


def parts(train: Any, validation: Any, test: Any) -> tuple[Any, Any]:
    labels = np.array([*train, *validation, *test], dtype=np.float32)
    names = ["train"] * len(train) + ["validation"] * len(validation) + ["test"] * len(test)
    return labels, np.array(names, dtype=np.str_)


@pytest.mark.parametrize(
    ("split", "told"),
    [
        (
            parts([], [0], [0, 1, 0, 1]),
            "the train part is empty; found train 0, validation 1, test",
        ),
        (parts([0, 1, 0, 1], [], [0, 1, 0, 1]), "the validation part is empty"),
        (parts([0, 1, 0, 1], [0], []), "the test part is empty"),
        (parts([0, 1, 0, 0], [0], [0, 1, 0, 1]), "the train part lacks a class; found 1 positive"),
        (parts([0, 1, 0, 1], [0], [1, 1, 0, 1]), "the test part lacks a class; found 3 positive a"),
    ],
)
def test_a_part_that_says_nothing_is_told_in_one_line(split: tuple[Any, Any], told: str) -> None:
    with pytest.raises(DatasetError) as caught:
        check_parts(*split, where="workload.yaml at split")
    assert told in str(caught.value)
    assert "take in more records, or change `split`" in str(caught.value)


def test_validation_may_be_of_one_class() -> None:
    check_parts(*parts([0, 1, 0, 1], [0], [0, 1, 0, 1]), where="")
