"""A laptop may keep everything in a bucket: the same run, the same files."""

import json

import pytest

from millrace.storage import Store
from tests.integration.conftest import Laptop

pytestmark = pytest.mark.slow


def test_a_run_whose_store_is_a_bucket_registers_and_reuses(laptop: Laptop, bucket: Store) -> None:
    first = laptop.run("machines")
    assert first["outcome"] == "registered"
    digest = first["registration"]["digest"]
    assert first["registration"]["uri"] == bucket.uri(f"bundles/sha256/{digest}")
    assert "model.onnx" in bucket.names(f"bundles/sha256/{digest}")
    assert json.loads(bucket.read_bytes(f"runs/{first['run']}/summary.json"))["run"] == first["run"]
    assert not (laptop.home / "store" / "snapshots").exists()
    again = laptop.run("machines")
    assert again["outcome"] == "unchanged"
    assert {s["name"] for s in again["steps"] if s["outcome"] == "reused"} == {
        *("validate", "assemble", "train", "export")
    }
    shown = laptop.millrace("show", digest[:12])
    assert shown.returncode == 0
    copied = laptop.millrace("report", "machines", "--output", "report.html")
    assert copied.returncode == 0, copied.stderr
    assert "<html" in (laptop.folder / "report.html").read_text()
