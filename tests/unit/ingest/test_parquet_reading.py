"""Parquet keeps its types; a file that is broken rejects the source whole."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.errors import SourceError
from millrace.ingest import ingest, read_snapshot
from millrace.ingest.parquet_files import ParquetReader
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload

RECORDS = pa.table(
    {
        "id": ["a", "b", None],
        "n": pa.array([1, None, 2**62]),
        "t": pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def workload(declare: Callable[..., Workload]) -> Workload:
    return declare({"kind": "parquet", "path": "data"})


def snapshot_of(workload: Workload, store: Store, tmp_path: Path) -> Any:
    return read_snapshot(store.fetch(ingest(workload, store).key, tmp_path / "fetched"))


def test_a_file_keeps_its_types(workload: Workload, store: Store, tmp_path: Path) -> None:
    pq.write_table(RECORDS, workload.folder / "data")
    manifest, records, origin = snapshot_of(workload, store, tmp_path)
    assert manifest.columns == {"id": "string", "n": "int64", "t": "timestamp[us, tz=UTC]"}
    assert sorted(records.to_pylist(), key=str) == sorted(RECORDS.to_pylist(), key=str)
    rows = origin.column("position").to_pylist()
    assert [RECORDS.to_pylist()[row - 1] for row in rows] == records.to_pylist()


def test_a_folder_is_read_as_one_and_each_record_names_its_file(
    workload: Workload, store: Store, tmp_path: Path
) -> None:
    folder = workload.folder / "data"
    (folder / "deep").mkdir(parents=True)
    pq.write_table(RECORDS.slice(0, 2), folder / "1.parquet")
    pq.write_table(RECORDS.slice(2).select(["t", "n", "id"]), folder / "deep" / "2.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_temporary.parquet").touch()
    manifest, records, origin = snapshot_of(workload, store, tmp_path)
    places = dict(zip(records.column("id").to_pylist(), origin.to_pylist(), strict=True))
    assert places["b"] == {"source": "data/1.parquet", "position": 2}
    assert places[None] == {"source": "data/deep/2.parquet", "position": 1}

    other = open_store(Settings(home=tmp_path / "other"))
    for file in folder.rglob("*.parquet"):
        file.unlink()
    pq.write_table(RECORDS, folder / "whole.parquet")
    assert ingest(workload, other).manifest.digest == manifest.digest


def test_how_text_is_stored_does_not_matter(workload: Workload, store: Store) -> None:
    digests = set()
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())):
        text = pa.array(["a", None, "b"], pa.string()).cast(kind)
        pq.write_table(pa.table({"id": text}), workload.folder / "data")
        digests.add(ingest(workload, store).manifest.digest)
    assert len(digests) == 1


def test_half_floats_are_read_as_floats(workload: Workload, store: Store) -> None:
    pq.write_table(pa.table({"x": pa.array([1.5, None], pa.float16())}), workload.folder / "data")
    assert ingest(workload, store).manifest.columns == {"x": "float"}


def test_metadata_of_whoever_wrote_the_file_is_left_out(
    workload: Workload, store: Store, tmp_path: Path
) -> None:
    pq.write_table(RECORDS.replace_schema_metadata({"pandas": "{}"}), workload.folder / "data")
    assert snapshot_of(workload, store, tmp_path)[1].schema.metadata is None


def broken(folder: Path, how: str) -> None:
    """Put something in the place of the source that cannot be read."""
    if how == "missing":
        return
    if how == "no files":
        folder.mkdir()
        return
    pq.write_table(RECORDS.slice(0, 0) if how == "no records" else RECORDS, folder)
    content = folder.read_bytes()
    if how == "empty":
        folder.write_bytes(b"")
    if how == "cut off":
        folder.write_bytes(content[: len(content) // 2])
    if how == "overwritten":
        folder.write_bytes(b"PAR1" + b"\xff" * (len(content) - 12) + content[-8:])
    if how == "text":
        folder.write_text("id,n\n1,2\n")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("missing", "is missing"),
        ("no files", "the folder is empty"),
        ("no records", "there are no records"),
        ("empty", "cannot be read as Parquet"),
        ("cut off", "cannot be read as Parquet"),
        ("overwritten", "cannot be read as Parquet"),
        ("text", "cannot be read as Parquet"),
    ],
)
def test_what_cannot_be_read_is_rejected_in_one_line(
    workload: Workload, store: Store, how: str, words: str
) -> None:
    broken(workload.folder / "data", how)
    with pytest.raises(SourceError, match=words) as raised:
        ingest(workload, store)
    assert "\n" not in str(raised.value)
    assert str(workload.folder / "data") in raised.value.where
    assert store.names("snapshots/sample") == []


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (RECORDS.drop_columns(["n"]), "found no such column; expected int64"),
        (RECORDS.append_column("x", pa.array([1, 2, 3])), "found int64; expected no such column"),
        (RECORDS.set_column(1, "n", pa.array([1.5, 2, 3])), "found double; expected int64"),
    ],
    ids=["fewer", "more", "another-type"],
)
def test_files_of_two_schemas_are_no_source(
    workload: Workload, other: pa.Table, found: str
) -> None:
    (workload.folder / "data").mkdir()
    pq.write_table(RECORDS, workload.folder / "data" / "1.parquet")
    pq.write_table(other, workload.folder / "data" / "2.parquet")
    with pytest.raises(SourceError, match=rf"2\.parquet: the column .*{found}"):
        list(ParquetReader(workload, None).chunks())
