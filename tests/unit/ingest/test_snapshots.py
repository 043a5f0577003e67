"""A snapshot is the same whatever the order of its source, and is read back as it was taken."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.errors import MillraceError
from millrace.ingest import ingest, read_snapshot, spill
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload

Written = Callable[..., Workload]
LINES = [f"{number % 70},{number % 7},{'x' * (number % 5)}" for number in range(200)]


def test_the_same_rows_in_another_order_are_the_same_snapshot(
    csv_workload: Written, tmp_path: Path
) -> None:
    taken = []
    for seed in range(3):
        store = open_store(Settings(home=tmp_path / str(seed)))
        lines = random.Random(seed).sample(LINES, len(LINES))
        snapshot = ingest(csv_workload("a,b,c\n" + "\n".join(lines)), store)
        taken.append(read_snapshot(store.fetch(snapshot.key, tmp_path)))
        _, records, origin = taken[-1]
        rows = [",".join(value or "" for value in row.values()) for row in records.to_pylist()]
        assert [lines[line - 2] for line in origin.column("position").to_pylist()] == rows
    digests = {manifest.digest for manifest, _, _ in taken}
    assert len(digests) == 1
    assert taken[0][1].equals(taken[1][1]) and taken[1][1].equals(taken[2][1])


def test_copies_stay_and_keep_the_order_of_their_lines(
    csv_workload: Written, store: Store, tmp_path: Path
) -> None:
    snapshot = ingest(csv_workload("a,b\n1,x\n2,y\n1,x\n1,x\n"), store)
    _, records, origin = read_snapshot(store.fetch(snapshot.key, tmp_path))
    lines = zip(records["a"].to_pylist(), origin["position"].to_pylist(), strict=True)
    assert [line for a, line in lines if a == "1"] == [2, 4, 5]
    assert origin.schema == pa.schema({"source": pa.string(), "position": pa.int64()})
    assert set(origin["source"].to_pylist()) == {"data.csv"}


def test_the_manifest_says_what_was_read(csv_workload: Written, store: Store) -> None:
    snapshot = ingest(csv_workload("a,b\n1,x\n"), store)
    manifest = snapshot.manifest
    assert snapshot.key == f"snapshots/sample/{manifest.digest}"
    assert store.names(snapshot.key) == ["data.parquet", "manifest.json", "origin.parquet"]
    assert (manifest.workload, manifest.rows, manifest.source) == ("sample", 1, "data.csv")
    assert manifest.columns == {"a": "string", "b": "string"}
    assert manifest.fingerprint.startswith("sha256:")


def test_records_are_sorted_in_bounded_memory(
    csv_workload: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few records a row group holds, the snapshot is the same."""
    workload = csv_workload("a,b,c\n" + "\n".join(LINES))
    whole = ingest(workload, open_store(Settings(home=tmp_path / "1")))
    monkeypatch.setattr(spill, "ROW_GROUP", 1)
    store = open_store(Settings(home=tmp_path / "2"))
    small = ingest(workload, store)
    assert small.manifest == whole.manifest
    folder = store.fetch(small.key, tmp_path)
    assert pq.ParquetFile(folder / "data.parquet").num_row_groups > 8
    other = open_store(Settings(home=tmp_path / "1")).fetch(whole.key, tmp_path)
    assert read_snapshot(folder)[1].equals(read_snapshot(other)[1])


def test_a_snapshot_that_is_not_whole_is_told(
    csv_workload: Written, store: Store, tmp_path: Path
) -> None:
    snapshot = ingest(csv_workload("a,b\n1,x\n2,y\n"), store)
    whole = store.fetch(snapshot.key, tmp_path)

    def spoiled(file: str, content: bytes | None) -> Path:
        folder = tmp_path / file
        shutil.copytree(whole, folder)
        if content is None:
            (folder / file).unlink()
        else:
            (folder / file).write_bytes(content)
        return folder

    with pytest.raises(MillraceError, match="the SnapshotManifest document is missing"):
        read_snapshot(spoiled("manifest.json", None))
    with pytest.raises(MillraceError, match="the snapshot cannot be read"):
        read_snapshot(spoiled("data.parquet", b"PAR1"))
    places = pa.table({"source": ["data.csv"], "position": [1]})
    pq.write_table(places, tmp_path / "origin")
    with pytest.raises(MillraceError, match="2 records and 1 positions; expected 2 of each"):
        read_snapshot(spoiled("origin.parquet", (tmp_path / "origin").read_bytes()))


def test_a_staging_folder_is_its_owners_while_it_lives(store: Store) -> None:
    with store.staging("one") as mine:
        (mine / "file").touch()
        with store.staging("two") as other:
            assert other != mine
        assert (mine / "file").exists()
        assert not other.exists()
    assert not mine.exists()
