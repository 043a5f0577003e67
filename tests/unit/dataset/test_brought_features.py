"""What requests bring is trained on as the record itself says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from feature_worlds import DAY, START, World, in_time, people, timed_world, visits
from test_dataset_assembly import made

from millrace.dataset.manifest import LABEL, DatasetManifest
from millrace.registry.lineage import lineage_of

PARTS = ("train", "validation", "test")


def booking_world(root: Path) -> World:
    """Return a workload in which the id is a category too, and what was spent a request says."""
    world = World(root)
    world.write_spec(features=["person_profile"], request=["id", "spend", "active"], slices=["id"])
    return world


def test_brought_columns_are_float32_with_nan_and_text_with_blanks(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(features=["person_money"], request=["plan", "age"])
    manifest = made(world, people(60))
    rows = world.rows().set_index("id")
    for record in people(60):
        row = rows.loc[record["id"]]
        assert row["plan"] == (record["plan"] or "")
        age = np.nan if record["age"] is None else record["age"]
        np.testing.assert_equal(row["age"], np.float32(age))
    assert str(rows["age"].dtype) == "float32"
    assert [f"{f.view}:{f.name}" for f in manifest.features][-2:] == [":plan", ":age"]


def test_truth_values_are_numbers_and_a_key_may_be_a_category_too(tmp_path: Path) -> None:
    world = booking_world(tmp_path)
    manifest = made(world, people(60))
    rows = world.rows()
    assert list(rows.columns[:5]) == ["id", "plan", "age", "spend", "active"]
    assert set(rows["active"].dropna()) == {0.0, 1.0}
    assert rows["active"].isna().sum() == 20
    assert set(rows["id"]) == {f"p{number}" for number in range(60)}
    assert [f.name for f in manifest.features] == ["plan", "age", "id", "spend", "active"]
    assert DatasetManifest.read(tmp_path / "dataset/manifest.json") == manifest


def test_two_records_of_a_key_keep_what_each_of_them_says(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.write_spec(features=["till_amount"], request=["amount"])
    records: list[dict[str, Any]] = [
        {**record, "amount": amount}
        for record in visits(6)
        for amount in (record["amount"], -1.0, None)
    ]
    as_of = START + 6 * DAY
    first = made(world, records, as_of)
    rows = world.rows()
    learnt = sum(in_time(record["at"], record["known"], as_of) for record in records) / 3
    assert rows["amount"].isna().sum() == learnt > 20
    assert (rows["amount"] == -1).sum() == learnt
    files = [(tmp_path / f"dataset/{part}.parquet").read_bytes() for part in PARTS]
    shuffled = pd.Series(records).sample(frac=1, random_state=3).tolist()
    assert world.assemble(shuffled, as_of).digest == first.digest
    assert [(tmp_path / f"dataset/{part}.parquet").read_bytes() for part in PARTS] == files


def test_rows_that_differ_only_in_what_was_brought_are_told_apart_by_the_digest(
    tmp_path: Path,
) -> None:
    here, there = booking_world(tmp_path / "here"), booking_world(tmp_path / "there")
    changed = people(60)
    changed[7]["spend"] = 1e6
    assert made(here, people(60)).digest != made(there, changed).digest
    assert here.rows()[LABEL].equals(there.rows()[LABEL])


def test_the_lineage_names_feature_views_only(tmp_path: Path) -> None:
    world = booking_world(tmp_path)
    manifest = made(world, people(60))
    told: dict[str, Any] = {"code_revision": "0", "champion": None, "signal": "manual"}
    lineage = lineage_of(world.workload, manifest, snapshot="5", as_of="", **told)
    assert lineage.feature_views == ["person_profile"]
