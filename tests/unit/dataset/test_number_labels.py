"""A label that is a number goes into the dataset as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_worlds import UNTIMED, World, people

from millrace.dataset.manifest import LABEL
from millrace.dataset.numbers import number_labels
from millrace.errors import DatasetError
from millrace.workload.target import RegressionTarget

TARGET = RegressionTarget(column="minutes", kind="regression")


def number_world(root: Path, kind: str = "integer") -> World:
    columns = UNTIMED["contract"]["columns"] | {"minutes": {"type": kind, "nullable": True}}
    spec = UNTIMED | {
        "contract": {"columns": columns},
        "target": {"column": "minutes", "kind": "regression", "quantiles": [0.1, 0.9]},
    }
    return World(root, spec)


def trips(count: int, minutes: Any = lambda number: 10 + number % 7) -> list[dict[str, Any]]:
    return [{**record, "minutes": minutes(n)} for n, record in enumerate(people(count))]


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_the_label_is_the_number_and_rows_without_one_are_left_out(
    tmp_path: Path, kind: str
) -> None:
    world = number_world(tmp_path, kind)
    records = trips(60, lambda number: None if number % 6 == 5 else 10 + number % 7)
    world.materialize(records)
    manifest = world.assemble(records)
    labels = world.rows().set_index("id")[LABEL]
    assert labels.dtype == np.float32
    assert labels.to_dict() == {
        record["id"]: record["minutes"] for record in records if record["minutes"] is not None
    }
    assert (manifest.kind, manifest.positive, manifest.positives) == ("regression", None, None)
    assert sum(manifest.rows.values()) == 50


def test_the_same_numbers_have_another_digest_than_the_classes_that_look_like_them(
    tmp_path: Path,
) -> None:
    records = trips(60, lambda number: number % 2)
    world = number_world(tmp_path)
    world.materialize(records)
    number = world.assemble(records)
    world.write_spec(target={"column": "minutes", "kind": "binary", "positive": "1"})
    classes = world.assemble(records)
    assert classes.kind == "binary"
    assert number.digest != classes.digest


def test_an_empty_part_is_told(tmp_path: Path) -> None:
    world = number_world(tmp_path)
    world.write_spec(split={"by": "hash", "test": 0.001, "validation": 0.2})
    records = trips(20)
    world.materialize(records)
    with pytest.raises(DatasetError) as raised:
        world.assemble(records)
    assert "at split: the test part is empty" in str(raised.value)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "no record has a known 'minutes'"),
        ([3.5, 3.5], "every label is the same number; found minutes 3.5 in 2 records"),
        ([1.0, 1e39], "beyond the range of float32 in 1 of 2 records; found minutes 1e+39"),
    ],
)
def test_labels_that_say_nothing_are_told_in_one_line(found: list[float], told: str) -> None:
    with pytest.raises(DatasetError) as raised:
        number_labels(pd.Series(found, dtype=float), TARGET, where="workload.yaml at target")
    assert told in str(raised.value)
    assert str(raised.value).startswith("workload.yaml at target: ")
