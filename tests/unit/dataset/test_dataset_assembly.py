"""Assemble: each row with what was known of it then, in the part where it belongs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feature_worlds import (
    DAY,
    START,
    UNTIMED_DEFINITIONS,
    UNTIMED_FEATURES,
    World,
    people,
)

from millrace.dataset import DatasetManifest, assign_parts
from millrace.dataset.manifest import LABEL, SLICE
from millrace.errors import DatasetError, FeatureError, MillraceError
from millrace.features import LookupPlan
from millrace.progress import heard


def made(world: World, records: list[dict[str, Any]], as_of: datetime = START) -> DatasetManifest:
    world.materialize(records, as_of)
    return world.assemble(records, as_of)


def test_numbers_are_float32_with_nan_and_categories_text_with_blanks(tmp_path: Path) -> None:
    world = World(tmp_path)
    made(world, people(60))
    rows = world.rows().set_index("id")
    assert {name: str(kind) for name, kind in rows.dtypes.items()} == {
        "plan": "object",
        "age": "float32",
        "spend": "float32",
        "active": "float32",
        LABEL: "float32",
        SLICE + "plan": "object",
        SLICE + "age": "object",
        SLICE + "active": "object",
    }
    for record in people(60):
        row = rows.loc[record["id"]]
        for name in ("age", "spend", "active"):
            number = np.nan if record[name] is None else np.float32(record[name])
            assert row[name] == number or (np.isnan(row[name]) and np.isnan(number))
        assert row["plan"] == (record["plan"] or "")
        assert row[LABEL] == (record["left"] == "yes")
    groups = rows.loc[["p0", "p1", "p2", "p4"], [SLICE + "age", SLICE + "active"]]
    assert groups.to_numpy().tolist() == [
        ["20", "true"],
        ["21", "false"],
        ["22", ""],
        ["", "false"],
    ]


def test_the_manifest_says_what_lies_beside_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    manifest = made(world, people(60))
    folder = tmp_path / "dataset"
    assert DatasetManifest.read(folder / "manifest.json") == manifest
    assert sorted(path.name for path in folder.iterdir()) == [
        "late.parquet",
        "lookup.json",
        "manifest.json",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]
    assert [view.view for view in LookupPlan.read(folder / "lookup.json").views] == [
        "person_profile",
        "person_money",
    ]
    assert manifest.join_keys == ["id"]
    assert [f"{f.view}:{f.name}:{f.kind}" for f in manifest.features] == [
        "person_profile:plan:category",
        "person_profile:age:number",
        "person_money:spend:number",
        "person_money:active:number",
    ]
    assert (manifest.positive, manifest.slices) == ("yes", ["plan", "age", "active"])
    for part, count in manifest.rows.items():
        rows = world.part(part)
        assert len(rows) == count
        assert rows[LABEL].sum() == manifest.positives[part]
        assert rows["id"].is_monotonic_increasing
        assert (assign_parts(manifest.split, rows[["id"]]) == part).all()
    assert sum(manifest.rows.values()) == 60


def test_the_digest_depends_on_nothing_but_the_rows_and_their_meaning(tmp_path: Path) -> None:
    here, there = World(tmp_path / "here"), World(tmp_path / "there" / "far")
    digest = made(here, people(60)).digest
    assert made(there, people(60)[::-1], START + DAY).digest == digest
    for name in ("train", "test", "validation"):
        file = Path("dataset") / f"{name}.parquet"
        assert (here.root / file).read_bytes() == (there.root / file).read_bytes()
    changed = people(60)
    changed[7]["spend"] = 1e6
    others = [
        made(World(tmp_path / "1"), changed).digest,
        made(World(tmp_path / "2"), people(61)).digest,
    ]
    world = World(tmp_path / "3")
    world.write_spec(target={"column": "left", "kind": "binary", "positive": "no"})
    others.append(made(world, people(60)).digest)
    world = World(tmp_path / "4")
    world.write("definitions.py", UNTIMED_DEFINITIONS.replace("person_money", "wallet"))
    world.write("features.py", UNTIMED_FEATURES.replace("person_money", "wallet"))
    world.write_spec(features=["person_profile", "wallet"])
    others.append(made(world, people(60)).digest)
    assert len({digest, *others}) == 5


def test_records_without_a_label_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    records = people(60)
    for record in records[:7]:
        record["left"] = None
    assert sum(made(world, records).rows.values()) == 53
    events = [heard(line) for line in capsys.readouterr().out.splitlines()]
    assert {"event": "labels_known", "rows": 53, "left_out": 7} in events


def test_several_records_of_one_entity_keep_their_labels_and_share_a_part(tmp_path: Path) -> None:
    world = World(tmp_path)
    again = [record | {"left": "no"} for record in people(60)]
    world.materialize(people(60))
    manifest = world.assemble([*people(60), *again])
    assert sum(manifest.rows.values()) == 120
    found = {name: set(world.part(name)["id"]) for name in ("train", "validation", "test")}
    assert sum(len(ids) for ids in found.values()) == 60
    rows = world.rows()
    assert rows[LABEL].sum() == 30
    expected = {record["id"]: record["age"] or np.nan for record in people(60)}
    assert rows["age"].equals(rows["id"].map(expected).astype("float32"))


def test_training_sees_what_held_at_the_as_of_time(tmp_path: Path) -> None:
    world = World(tmp_path)
    old, new = people(60, plan="old"), people(60, plan="new")
    first = made(world, old)
    made(world, new, START + DAY)
    assert set(world.rows()["plan"]) == {"new"}
    again = world.assemble(old, START)
    assert set(world.rows()["plan"]) == {"old"}
    assert again.digest == first.digest


def test_an_entity_without_features_is_kept_with_all_of_them_missing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(50))
    manifest = world.assemble(people(60))
    rows = world.rows().set_index("id")
    assert sum(manifest.rows.values()) == 60
    assert rows.loc["p55", ["plan", "age", "spend"]].tolist() == [
        "",
        pytest.approx(np.nan, nan_ok=True),
        pytest.approx(np.nan, nan_ok=True),
    ]


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([], "no record has a known 'left'"),
        (people(20, left=None), "no record has a known 'left'"),
        (people(20, left="no"), "the target is constant: every label is negative; found 'no' (20)"),
        (people(20, left="Yes"), "expected records with left 'yes' and records with another value"),
        ([*people(20, left="no"), *people(1, left="yes")], "positive class is seen only once"),
        (people(4), "workload.yaml at split: "),
    ],
)
def test_records_that_no_model_can_learn_from_are_told_in_one_line(
    tmp_path: Path, records: list[dict[str, Any]], told: str
) -> None:
    world = World(tmp_path)
    world.materialize(people(20))
    with pytest.raises(DatasetError) as caught:
        world.assemble(records)
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(world.folder / "workload.yaml"))
    assert not (tmp_path / "dataset").exists()


def test_features_that_were_never_materialized_are_told_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(FeatureError, match="the feature store is empty; run the step materialize"):
        world.assemble(people(60))
    world.materialize(people(60))
    file = world.settings.store_folder / "features/people/offline/person_money.parquet"
    file.rename(file.with_suffix(".gone"))
    with pytest.raises(FeatureError, match="run the step materialize first"):
        world.assemble(people(60))
    file.with_suffix(".gone").rename(file)
    text = UNTIMED_DEFINITIONS.replace('name="active"', 'name="is_active"')
    world.write("definitions.py", text)
    with pytest.raises(FeatureError, match="run the step materialize first"):
        world.assemble(people(60))


def test_offline_tables_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(60))
    (world.settings.store_folder / "features/people/offline/person_money.parquet").unlink()
    (world.settings.store_folder / "features/people/offline/person_money.parquet").mkdir()
    with pytest.raises(MillraceError) as caught:
        world.assemble(people(60))
    assert "\n" not in str(caught.value)
    assert "features/people/offline" in str(caught.value)
