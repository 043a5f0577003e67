"""What the functions of features.py may return."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_worlds import TIMED_FEATURES, UNTIMED_FEATURES, World, people, timed_world, visits

from millrace.errors import FeatureError
from millrace.features import load_definitions
from millrace.features.compute import check_feature_rows, compute_rows
from millrace.features.lookup import JoinKey, LookupField, ViewLookup
from millrace.features.records import read_records

VIEW = ViewLookup(
    view="v",
    join_keys=[JoinKey(name="id", type="STRING")],
    fields=[
        LookupField(name="text", type="STRING"),
        LookupField(name="whole", type="INT64"),
        LookupField(name="number", type="DOUBLE"),
        LookupField(name="flag", type="BOOL"),
    ],
)


def returned(**changes: Any) -> pd.DataFrame:
    columns = {
        "id": ["b", "a"],
        "text": ["x", None],
        "whole": [1, 2],
        "number": [0.5, np.nan],
        "flag": [True, False],
    }
    return pd.DataFrame({k: v for k, v in {**columns, **changes}.items() if v is not None})


def check(rows: Any, *, timed: bool = False) -> list[dict[str, Any]]:
    table = check_feature_rows(rows, VIEW, timed=timed, where="features.py:v")
    return list(table.to_pylist())


def test_rows_are_sorted_by_key_and_held_in_the_types_of_the_view() -> None:
    assert check(returned()) == [
        {"id": "a", "text": None, "whole": 2, "number": None, "flag": False},
        {"id": "b", "text": "x", "whole": 1, "number": 0.5, "flag": True},
    ]


@pytest.mark.parametrize(
    ("column", "values", "held"),
    [
        ("whole", [1.0, np.nan], [1, None]),
        ("whole", pd.array([1, None], dtype="Int64"), [1, None]),
        ("whole", [True, False], [1, 0]),
        ("number", pd.array([1, None], dtype="Int64"), [1.0, None]),
        ("number", [True, False], [1.0, 0.0]),
        ("flag", pd.array([True, None], dtype="boolean"), [True, None]),
        ("text", pd.Categorical(["x", None]), ["x", None]),
        ("text", pd.array(["x", None], dtype="string"), ["x", None]),
        ("text", ["x", pd.NA], ["x", None]),
    ],
)
def test_values_are_coerced_where_nothing_is_lost(column: str, values: Any, held: Any) -> None:
    assert [row[column] for row in reversed(check(returned(**{column: values})))] == held


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (None, "returns something else; found NoneType; expected a DataFrame"),
        ([1], "found list; expected a DataFrame"),
        (returned().rename(columns={"text": "txt"}), "without the column 'text'; found id, txt"),
        (returned().rename(columns={"text": "txt"}), "did you mean 'txt'?"),
        (returned().set_index("id"), "an index is no column: reset_index()"),
        (returned(more=[1, 2]), "returns a column 'more' that its feature view does not have"),
        (returned(event_timestamp=[1, 2]), "returns a column 'event_timestamp'"),
        (returned().iloc[:, [0, 1, 1, 2, 3, 4]], "returns the column 'text' twice"),
        (returned(whole=[1.5, 2]), "the column 'whole' cannot be held: Float value 1.5"),
        (returned(whole=["1", "2"]), "found dtype object; expected whole numbers (Int64)"),
        (returned(text=[1, 2]), "found dtype int64; expected text (String)"),
        (returned(number=["a", "b"]), "expected numbers (Float64)"),
        (returned(flag=["yes", "no"]), "expected truth values (Bool)"),
        (returned(number=[1.0, np.inf]), "the column 'number' holds an infinite number"),
        (returned(id=["a", None]), "the key 'id' is missing in 1 rows"),
        (returned(id=["a", "a"]), "returns 1 keys more than once; found 2 rows for id a"),
    ],
)
def test_what_a_view_cannot_hold_is_told_in_one_line(rows: Any, told: str) -> None:
    with pytest.raises(FeatureError) as caught:
        check(rows)
    assert told in str(caught.value)
    assert str(caught.value).startswith("features.py:v: ")
    assert "\n" not in str(caught.value)


def test_timed_rows_are_one_for_each_key_and_time_in_utc() -> None:
    times = pd.to_datetime(["2024-01-01 12:00", "2024-01-01 10:00"])
    rows = returned(id=["a", "a"], event_timestamp=times.tz_localize("Asia/Tokyo"))
    assert [row["event_timestamp"].isoformat() for row in check(rows, timed=True)] == [
        "2024-01-01T01:00:00+00:00",
        "2024-01-01T03:00:00+00:00",
    ]
    naive = check(returned(event_timestamp=times), timed=True)
    assert naive[0]["event_timestamp"].isoformat() == "2024-01-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (["2024-01-01", "2024-01-02"], "'event_timestamp' holds no timestamps; found dtype object"),
        (pd.to_datetime(["2024-01-01", None]), "the key 'event_timestamp' is missing in 1 rows"),
    ],
)
def test_a_timed_row_needs_a_time(times: Any, told: str) -> None:
    with pytest.raises(FeatureError) as caught:
        check(returned(event_timestamp=times), timed=True)
    assert told in str(caught.value)


def compute(world: World, records: list[dict[str, Any]], view: int = 0) -> list[dict[str, Any]]:
    workload = world.workload
    definitions = load_definitions(workload)
    frame = read_records(world.accept(records), definitions.join_keys)
    return list(compute_rows(workload, definitions.views[view], frame).to_pylist())


def test_functions_see_integers_and_truth_values_as_such_though_some_are_missing(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.write(
        "features.py",
        "def person_profile(records):\n"
        "    assert str(records['age'].dtype) == 'Int64'\n"
        "    assert str(records['active'].dtype) == 'boolean'\n"
        "    assert str(records['spend'].dtype) == 'float64'\n"
        "    return records[['id', 'plan', 'age']]\n"
        "person_money = None.__class__\n",
    )
    assert compute(world, people(10))[0] == {"id": "p0", "plan": "free", "age": 20}


def test_the_order_of_records_does_not_matter(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    first = 'records.drop_duplicates("shop")[["shop", "at", "amount"]]'
    sums = 'records.groupby(["shop", "at"], as_index=False)["amount"].sum(min_count=1)'
    assert sums in TIMED_FEATURES
    world.write("features.py", TIMED_FEATURES.replace(sums, first))
    records = [*visits(3), {**visits(1)[0], "amount": 7.0}]
    rows = compute(world, records)
    assert len(rows) == 2
    assert rows == compute(world, records[::-1]) == compute(world, records[5:] + records[:5])


def test_one_function_cannot_change_what_the_next_one_sees(tmp_path: Path) -> None:
    world = World(tmp_path)
    spoil = UNTIMED_FEATURES.replace(
        'return records[["id", "plan"', 'records["spend"] = 0.0\n    return records[["id", "plan"'
    )
    world.write("features.py", spoil)
    world.materialize(people(4))
    assert [row["spend"] for row in world.offline("person_money")] == [0.0, 0.5, 1.0, None]


def test_a_fault_in_a_function_is_told_with_its_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write(
        "features.py",
        "def helper(rows):\n    return rows['no such column']\n\n"
        "def person_profile(records):\n    return helper(records)\n\n"
        "def person_money(records):\n    return records\n",
    )
    with pytest.raises(FeatureError) as caught:
        compute(world, people(4))
    assert "features.py:2: the function 'person_profile' fails: KeyError:" in str(caught.value)


def test_untimed_features_cannot_use_the_target(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write(
        "features.py", "def person_profile(r):\n    return r['left']\n\nperson_money = print\n"
    )
    with pytest.raises(FeatureError, match="features must not use the target 'left'"):
        compute(world, people(4))


def test_records_that_are_not_there_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="run the step validate again"):
        read_records(tmp_path, ["id"])
    (tmp_path / "data.parquet").write_bytes(b"no Parquet")
    with pytest.raises(FeatureError, match="the accepted records cannot be read"):
        read_records(tmp_path, ["id"])
