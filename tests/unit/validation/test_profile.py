"""Columns are described, and how far they have moved is measured."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from millrace.validation.profile import drift_of_columns, profile_columns
from millrace.workload.contract import Column

Hold = Callable[..., Any]


def column(kind: str) -> Column:
    return Column.model_validate({"type": kind})


def profile(values: pa.Array, kind: str) -> Any:
    (found,) = profile_columns(pa.table({"x": values}), {"x": column(kind)})
    return found


def test_numbers_have_their_range_and_middle() -> None:
    found = profile(pa.array([1.0, 2.0, 9.0, None]), "number")
    assert (found.missing, found.distinct, found.top) == (0.25, 3, {})
    assert (found.low, found.median, found.high) == (1.0, 2.0, 9.0)


def test_categories_have_their_commonest_values() -> None:
    values = ["b", "a", "a", None, *"cdefghij"]
    found = profile(pa.array(values), "category")
    assert list(found.top.items())[:3] == [("a", 2 / 12), ("b", 1 / 12), ("c", 1 / 12)]
    assert len(found.top) == 8
    assert found.low is None


def test_booleans_have_shares_too() -> None:
    assert profile(pa.array([True, True, False, None]), "boolean").top == {
        "true": 0.5,
        "false": 0.25,
    }


def test_the_values_of_a_key_are_not_listed() -> None:
    assert profile(pa.array([f"id{n}" for n in range(50)]), "string").top == {}


def test_nothing_is_described_as_nothing() -> None:
    found = profile(pa.array([], pa.float64()), "number")
    assert (found.missing, found.distinct, found.low) == (0.0, 0, None)
    assert profile(pa.nulls(3, pa.string()), "category").missing == 1.0


def test_drift_is_measured_against_the_snapshot_before(hold: Hold) -> None:
    columns = {
        "n": {"type": "integer", "nullable": True},
        "c": {"type": "category"},
        "at": {"type": "timestamp"},
    }
    before = hold("n,c\n1,x\n2,x\nabc,y\n,y\n", columns)
    batch = hold(
        "n,c,at\n1,x,2024-01-01\n2,x,2024-01-02\n3,x,2024-01-03\n4,z,2024-01-04\n",
        columns,
        previous=before.snapshot,
    )
    drift = {part.name: (part.measure, part.distance) for part in batch.report.drift}
    assert drift == {"n": ("ks", 0.5), "c": ("total_variation", 0.5)}
    assert hold("n,c,at\n1,x,2024-01-01\n", columns).report.drift is None


def test_a_batch_has_not_moved_from_itself(hold: Hold) -> None:
    columns = {"n": {"type": "number"}, "c": {"type": "string"}, "at": {"type": "timestamp"}}
    content = "n,c,at\n1,x,2024-01-01\n2,x,2024-01-02\n"
    before = hold(content, columns)
    again = hold(content, columns, previous=before.snapshot)
    assert [part.distance for part in again.report.drift] == [0.0, 0.0, 0.0]


def test_keys_do_not_drift_for_they_are_new_in_every_batch(hold: Hold) -> None:
    columns = {
        "id": {"type": "integer", "unique": True},
        "ticket": {"type": "string"},
        "site": {"type": "string"},
    }
    before = hold("id,ticket,site\n1,a,x\n2,b,x\n", columns)
    batch = hold("id,ticket,site\n3,c,x\n4,d,y\n", columns, previous=before.snapshot)
    assert [part.name for part in batch.report.drift] == ["site"]


@pytest.mark.parametrize(
    ("kind", "now", "before"),
    [
        ("number", pa.array([1.0, None, None, 2.0]), pa.array([1.0, 2.0])),
        ("integer", pa.array([1, None]), pa.array([5, 5])),
        ("category", pa.array(["a", None]), pa.array(["a", "a"])),
        ("boolean", pa.array([True, None]), pa.array([True])),
    ],
)
def test_a_change_of_what_is_missing_is_drift(kind: str, now: pa.Array, before: pa.Array) -> None:
    (drift,) = drift_of_columns(pa.table({"x": now}), {"x": before}, {"x": column(kind)})
    assert drift.distance == (1.0 if kind == "integer" else 0.5)
