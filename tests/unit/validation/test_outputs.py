"""Accepted records are typed by the contract; broken ones lie in quarantine as they came."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.errors import StoreError
from millrace.ingest.content import content_digest
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.validation.faults import REASON_TYPE
from millrace.validation.outputs import write_accepted

Hold = Callable[..., Any]
COLUMNS = {
    "s": {"type": "string"},
    "c": {"type": "category"},
    "i": {"type": "integer", "nullable": True},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "at": {"type": "timestamp"},
}


def test_accepted_records_have_the_types_and_columns_of_the_contract(hold: Hold) -> None:
    batch = hold("at,more,b,n,i,c,s\n2024-01-01,x,yes,1.5,9007199254740993,k,t\n", COLUMNS)
    assert batch.accepted.schema == pa.schema(
        {
            "s": pa.string(),
            "c": pa.string(),
            "i": pa.int64(),
            "n": pa.float64(),
            "b": pa.bool_(),
            "at": pa.timestamp("us", "UTC"),
        }
    )
    assert batch.accepted.to_pylist() == [
        {
            "s": "t",
            "c": "k",
            "i": 9007199254740993,
            "n": 1.5,
            "b": True,
            "at": datetime(2024, 1, 1, tzinfo=UTC),
        }
    ]
    manifest = json.loads((batch.folder / "accepted" / "manifest.json").read_text())
    assert manifest == {"rows": 1, "digest": content_digest(batch.accepted)}


def test_types_stand_even_without_records(hold: Hold) -> None:
    accepted = hold("s\nx\n", COLUMNS).accepted
    assert accepted.num_rows == 0
    assert [str(kind) for kind in accepted.schema.types] == [
        "string",
        "string",
        "int64",
        "double",
        "bool",
        "timestamp[us, tz=UTC]",
    ]


def test_quarantine_can_be_published(hold: Hold, tmp_path: Path) -> None:
    batch = hold("id,n\na,1\nb,x\nc,y\n", {"id": {"type": "string"}, "n": {"type": "integer"}})
    folder = batch.folder / "quarantine"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == {"rows": 2, "digest": content_digest(batch.quarantine)}
    store = open_store(Settings(home=tmp_path / "home"))
    for content in ("first", "second"):  # what was published stays
        store.publish(folder, "quarantine/run")
        (folder / "records.csv").write_text(content)
    assert store.names("quarantine/run") == ["manifest.json", "records.csv", "records.parquet"]
    assert b"first" not in store.read_bytes("quarantine/run/records.csv")


def test_an_empty_quarantine_has_a_manifest_too(hold: Hold) -> None:
    batch = hold("id\na\n", {"id": {"type": "string"}})
    manifest = json.loads((batch.folder / "quarantine" / "manifest.json").read_text())
    assert manifest["rows"] == 0


def test_quarantine_holds_the_records_as_they_came(hold: Hold) -> None:
    columns = {"id": {"type": "string"}, "n": {"type": "integer", "min": 5}}
    batch = hold('id,more,n\na,"x, ""y""", 7 \nb,\u00e4, 1x \nc,,3\n', columns)
    assert batch.quarantine.schema.field("__reasons__").type.equals(REASON_TYPE)
    rows = sorted(batch.quarantine.to_pylist(), key=lambda row: row["__position__"])
    assert rows[0] == {
        "id": "b",
        "more": "ä",
        "n": " 1x ",
        "__source__": "data.csv",
        "__position__": 3,
        "__reasons__": [{"column": "n", "reason": "is not an integer of 64 bits", "value": " 1x "}],
    }
    with (batch.folder / "quarantine" / "records.csv").open(newline="") as file:
        readable = sorted(csv.DictReader(file), key=lambda row: row["__position__"])
    assert readable[0]["__reasons__"] == "n is not an integer of 64 bits"
    assert readable[1] == {
        "id": "c",
        "more": "",
        "n": "3",
        "__source__": "data.csv",
        "__position__": "4",
        "__reasons__": "n is below 5",
    }


def test_quarantine_is_there_when_it_is_empty(hold: Hold) -> None:
    batch = hold("n\n1\n", {"n": {"type": "integer"}})
    assert batch.quarantine.num_rows == 0
    assert batch.quarantine.schema.field("__reasons__").type.equals(REASON_TYPE)
    text = (batch.folder / "quarantine" / "records.csv").read_text()
    assert text.strip() == "n,__source__,__position__,__reasons__"


def test_native_values_are_taken_or_told_as_they_came(
    make_workload: Callable[..., Any], hold_workload: Callable[..., Any], tmp_path: Path
) -> None:
    source = {"kind": "parquet", "path": "data"}
    workload = make_workload(tmp_path / "workload", COLUMNS, source)
    records = pa.table(
        {
            "s": ["a", "b"],
            "c": pa.array(["k", "k"]).dictionary_encode(),
            "i": pa.array([7.0, 7.5]),
            "n": pa.array([Decimal("1.5"), Decimal("2")]),
            "b": pa.array([1, 0], pa.int8()),
            "at": pa.array([date(2024, 1, 1), date(2024, 1, 2)]),
        }
    )
    (workload.folder / "data").mkdir()
    for row in (0, 1):
        pq.write_table(records.slice(row, 1), workload.folder / "data" / f"{row}.parquet")
    batch = hold_workload(workload, tmp_path)
    assert batch.accepted.to_pylist() == [
        {
            "s": "a",
            "c": "k",
            "i": 7,
            "n": 1.5,
            "b": True,
            "at": datetime(2024, 1, 1, tzinfo=UTC),
        }
    ]
    (finding,) = batch.findings("i")
    assert finding.examples == ["row 1 of data/1.parquet: '7.5'"]
    assert batch.quarantine["i"].to_pylist() == [7.5]


def test_a_native_column_of_another_type_is_told_with_its_type(
    make_workload: Callable[..., Any], hold_workload: Callable[..., Any], tmp_path: Path
) -> None:
    source = {"kind": "parquet", "path": "data.parquet"}
    workload = make_workload(tmp_path / "workload", {"at": {"type": "timestamp"}}, source)
    pq.write_table(pa.table({"at": [1, 2]}), workload.folder / "data.parquet")
    problem = hold_workload(workload, tmp_path).findings("at")[0].problem
    assert "expected a time as of ISO 8601, found int64 such as" in problem


def test_what_an_earlier_run_left_is_replaced(hold: Hold, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "accepted"
    folder.mkdir(parents=True)
    (folder / "half-written").touch()
    write_accepted(pa.table({"n": [1]}), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["data.parquet", "manifest.json"]
    assert [path.name for path in folder.parent.iterdir()] == ["accepted"]


def test_a_disk_that_does_not_do_as_asked_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="nothing was half-written"):
        write_accepted(pa.table({"n": [1]}), tmp_path / "file" / "accepted")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
