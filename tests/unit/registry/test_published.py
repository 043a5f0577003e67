import shutil
from pathlib import Path

import pytest

from millrace.digests import digest_of_file
from millrace.errors import RegistryError, StoreError
from millrace.registry import open_bundle, publish_bundle, read_card
from millrace.registry.card import BundleManifest
from millrace.storage.folder import FolderStore

FILES = ["card.json", "lookup.json", "model.onnx", "reference.parquet"]


class Remote(FolderStore):
    """A store on another machine: what is fetched is copied into a new folder."""

    def fetch(self, key: str, folder: Path) -> Path:
        shutil.copytree(super().fetch(key, folder), folder)
        return folder


def stored(store, digest) -> Path:
    return Path(store.location(f"bundles/sha256/{digest}"))


def test_a_bundle_lies_under_its_digest_in_the_bucket(made, store, tmp_path):
    bundle = made.bundle()
    uri = publish_bundle(bundle, store)
    assert uri == f"s3://millrace/bundles/sha256/{bundle.digest}"
    assert read_card(open_bundle(store, bundle.digest, tmp_path / "scratch")) == bundle.card


def test_a_bundle_is_written_once(made, store):
    bundle = made.bundle()
    publish_bundle(bundle, store)
    card = stored(store, bundle.digest) / "card.json"
    before = card.stat().st_mtime_ns
    assert publish_bundle(bundle, store) == publish_bundle(bundle, store)
    assert card.stat().st_mtime_ns == before


def test_publishing_over_a_damaged_bundle_says_so(made, store):
    bundle = made.bundle()
    publish_bundle(bundle, store)
    (stored(store, bundle.digest) / "model.onnx").write_bytes(b"rotten")
    with pytest.raises(StoreError, match=r"model\.onnx: a file of the bundle is damaged"):
        publish_bundle(bundle, store)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_changed_file_is_named_with_both_digests(made, store, tmp_path, name):
    bundle = made.bundle()
    publish_bundle(bundle, store)
    file = stored(store, bundle.digest) / name
    expected = digest_of_file(file)
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(StoreError) as raised:
        open_bundle(store, bundle.digest, tmp_path)
    line = str(raised.value)
    assert "\n" not in line
    assert line.startswith(f"{file}: a file of the bundle is damaged; found digest ")
    assert digest_of_file(file) in line
    assert f"expected {expected}" in line


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_named(made, store, tmp_path, name):
    bundle = made.bundle()
    publish_bundle(bundle, store)
    (stored(store, bundle.digest) / name).unlink()
    with pytest.raises(StoreError, match=rf"{name}: a file of the bundle is missing"):
        open_bundle(store, bundle.digest, tmp_path)


def test_a_bundle_that_is_not_there_is_named(store, tmp_path):
    with pytest.raises(StoreError, match=rf"store/bundles/sha256/{'a' * 64}: nothing lies"):
        open_bundle(store, "a" * 64, tmp_path)


def test_a_remote_bundle_can_be_opened_again_and_again_in_one_scratch_folder(
    made, settings, tmp_path
):
    store, bundle = Remote(settings.bucket, settings.store_folder), made.bundle()
    publish_bundle(bundle, store)
    publish_bundle(bundle, store)
    for _ in range(2):
        folder = open_bundle(store, bundle.digest, tmp_path / "scratch")
        assert folder.is_relative_to(tmp_path / "scratch")
        assert read_card(folder) == bundle.card


@pytest.mark.parametrize("digest", ["", "v1", "../../runs", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_what_is_no_digest_is_never_looked_up(store, tmp_path, digest):
    with pytest.raises(RegistryError, match="this names no bundle"):
        open_bundle(store, digest, tmp_path)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"card.json": "a"}, "does not list lookup.json, model.onnx, reference.parquet"),
        (dict.fromkeys([*FILES, "../x"], "a"), "a file outside of the bundle"),
    ],
)
def test_a_manifest_of_something_else_is_no_bundle(store, tmp_path, files, told):
    folder = tmp_path / "odd"
    if "../x" in files:
        folder.mkdir()
        for name in FILES:
            (folder / name).write_bytes(b"x")
        files = {name: digest_of_file(folder / "card.json") for name in files}
    BundleManifest(workload="pumps", files=files).write(folder / "manifest.json")
    digest = digest_of_file(folder / "manifest.json")
    store.publish(folder, f"bundles/sha256/{digest}")
    with pytest.raises(StoreError, match=told):
        open_bundle(store, digest, tmp_path)


def test_a_manifest_that_is_no_manifest_is_told_in_one_line(store, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"workload": 7}')
    digest = digest_of_file(folder / "manifest.json")
    store.publish(folder, f"bundles/sha256/{digest}")
    with pytest.raises(StoreError, match="is no BundleManifest document"):
        open_bundle(store, digest, tmp_path)


def test_a_disk_that_takes_no_copy_of_a_bundle_is_told_with_its_place(made, store, tmp_path):
    bundle = made.bundle()
    publish_bundle(bundle, store)
    file = tmp_path / "a-file"
    file.write_bytes(b"")
    with pytest.raises(StoreError, match="a-file/scratch: no bundle can be copied there: "):
        open_bundle(store, bundle.digest, file / "scratch")


def test_a_bundle_that_cannot_be_read_is_told_with_its_place(made, store, tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    bundle = made.bundle()
    publish_bundle(bundle, store)
    monkeypatch.setattr("millrace.registry.published.digest_of_file", refused)
    with pytest.raises(StoreError, match="the bundle cannot be read: Permission denied"):
        open_bundle(store, bundle.digest, tmp_path)
