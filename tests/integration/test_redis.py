"""Features reach a real Redis, and a Redis that is away stops the run in one line."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from millrace.features.lookup import LookupPlan
from tests.integration.conftest import Laptop

pytestmark = pytest.mark.slow


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Return host:port of a Redis that this test starts and stops."""
    if shutil.which("redis-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is missing: .ci/run installs it")
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *("redis-server", "--bind", "127.0.0.1", "--port", str(port)),
            *("--save", "", "--dir", str(tmp_path)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = redis.Redis(port=port)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            time.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_a_run_fills_redis_with_what_the_lookup_plan_reads(
    laptop: Laptop, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_ONLINE_STORE", "redis")
    monkeypatch.setenv("MILLRACE_REDIS", address)
    first = laptop.run("machines")
    assert first["outcome"] == "registered"
    host, port = address.split(":")
    keys = redis.Redis(host=host, port=int(port)).keys()
    digest = first["registration"]["digest"]
    plan = LookupPlan.read(laptop.store / "bundles" / "sha256" / digest / "lookup.json")
    assert len(keys) == 1500
    assert all(key.endswith(plan.project.encode()) for key in keys)
    assert all(b"m-" in key for key in keys)
    assert not (laptop.home / "feast" / "machines" / "online.db").exists()


def test_a_redis_that_is_away_is_told_and_the_next_run_goes_on(
    laptop: Laptop, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_ONLINE_STORE", "redis")
    monkeypatch.setenv("MILLRACE_TIMEOUT", "2")
    monkeypatch.setenv("MILLRACE_REDIS", "127.0.0.1:1")
    told = laptop.run("machines", green=False)
    assert [s["name"] for s in told["steps"] if s["outcome"] == "failed"] == ["materialize"]
    assert "127.0.0.1:1" in told["failure"]["message"]
    monkeypatch.setenv("MILLRACE_REDIS", address)
    assert laptop.run("machines")["outcome"] == "registered"
