"""A bucket behaves as the folder that stands for it on a laptop."""

import json
from pathlib import Path

import boto3
import pytest

from millrace.errors import StoreError
from millrace.storage import Store


@pytest.fixture
def store(bucket: Store) -> Store:
    return bucket


def folder_with_manifest(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "deep" / "file").write_text("content")
    return folder


def test_files_are_read_as_they_were_written(store: Store) -> None:
    store.write_json("runs/a/summary.json", {"x": 1})
    store.write_bytes("runs/b/summary.json", b"{}")
    assert json.loads(store.read_bytes("runs/a/summary.json")) == {"x": 1}
    assert store.names("runs") == ["a", "b"]
    store.write_json("runs/a/summary.json", {"x": 2})
    assert json.loads(store.read_bytes("runs/a/summary.json")) == {"x": 2}


def test_what_another_process_wrote_is_seen_at_once(store: Store) -> None:
    assert store.names("runs") == []
    assert not store.exists("runs/a")
    endpoint = store._files.client_kwargs["endpoint_url"]
    bucket = store.uri("").removeprefix("s3://").rstrip("/")
    boto3.client("s3", endpoint_url=endpoint).put_object(Bucket=bucket, Key="runs/a/x", Body=b"")
    assert store.exists("runs/a/x")
    assert store.names("runs") == ["a"]


def test_a_folder_is_published_once_and_fetched_whole(store: Store, tmp_path: Path) -> None:
    folder = folder_with_manifest(tmp_path / "made")
    store.publish(folder, "bundles/sha256/d")
    (folder / "deep" / "file").write_text("changed")
    store.publish(folder, "bundles/sha256/d")
    fetched = store.fetch("bundles/sha256/d", tmp_path / "fetched")
    assert (fetched / "deep" / "file").read_text() == "content"
    assert (fetched / "manifest.json").exists()
    again = store.fetch("bundles/sha256/d", tmp_path / "there already")
    assert (again / "manifest.json").exists()


def test_a_folder_is_fetched_into_one_that_exists(store: Store, tmp_path: Path) -> None:
    store.publish(folder_with_manifest(tmp_path / "made"), "snapshots/d")
    (tmp_path / "scratch").mkdir()
    fetched = store.fetch("snapshots/d", tmp_path / "scratch")
    assert (fetched / "manifest.json").exists()


def test_what_is_not_there_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="/nowhere: nothing lies there"):
        store.read_bytes("nowhere")
    with pytest.raises(StoreError, match="nothing lies there"):
        store.fetch("nowhere", tmp_path / "scratch")
