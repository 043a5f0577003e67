"""What is written to the store appears whole or not at all."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.errors import StoreError
from millrace.settings import Settings
from millrace.storage import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(Settings(home=tmp_path / "home"))


def made_folder(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "deep" / "file").write_text("content")
    return folder


def test_an_address_is_the_same_on_every_machine(store: Store) -> None:
    assert store.uri("bundles/x") == "s3://millrace/bundles/x"


def test_a_file_is_read_as_it_was_written(store: Store) -> None:
    store.write_json("a/b.json", {"x": 1})
    assert json.loads(store.read_bytes("a/b.json")) == {"x": 1}
    assert store.names("a") == ["b.json"]


def test_nothing_is_left_of_a_write_that_fails(store: Store, tmp_path: Path) -> None:
    store.write_bytes("a/file", b"old")
    folder = tmp_path / "home" / "store" / "a"
    (folder / "file").unlink()
    (folder / "file").mkdir()
    (folder / "file" / "in-the-way").touch()
    with pytest.raises(StoreError) as raised:
        store.write_bytes("a/file", b"new")
    assert "\n" not in str(raised.value)
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_folder_is_published_once(store: Store, tmp_path: Path) -> None:
    folder = made_folder(tmp_path / "made")
    store.publish(folder, "bundles/d")
    (folder / "deep" / "file").write_text("changed")
    store.publish(folder, "bundles/d")
    assert store.read_bytes("bundles/d/deep/file") == b"content"


def test_a_half_published_folder_is_replaced(store: Store, tmp_path: Path) -> None:
    store.write_bytes("bundles/d/deep/file", b"half")
    store.publish(made_folder(tmp_path / "made"), "bundles/d")
    assert store.read_bytes("bundles/d/deep/file") == b"content"
    assert store.names("bundles") == ["d"]


def test_what_is_not_there_is_told_with_its_place(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="store/nowhere: nothing lies there"):
        store.read_bytes("nowhere")
    with pytest.raises(StoreError, match="nothing lies there"):
        store.fetch("nowhere", tmp_path / "scratch")
    assert store.names("nowhere") == []


def test_a_store_that_does_not_answer_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    store = open_store(
        Settings(bucket_remote=True, s3_endpoint="http://127.0.0.1:9", timeout=1, bucket="s3://b")
    )
    with pytest.raises(StoreError) as raised:
        store.exists("anything")
    message = str(raised.value)
    assert "s3://b/anything" in message
    assert "MILLRACE_S3_ENDPOINT" in message
    assert "\n" not in message


def test_processes_that_publish_the_same_folder_at_once_all_succeed(tmp_path: Path) -> None:
    folder = made_folder(tmp_path / "made")
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            key = f"bundles/{number}"
            stores = [open_store(Settings(home=home)) for _ in range(8)]
            list(pool.map(lambda store, key=key: store.publish(folder, key), stores))
            assert stores[0].read_bytes(f"{key}/deep/file") == b"content"
    assert stores[0].names("bundles") == sorted(map(str, range(20)))
