"""Features reach a real Redis, and a Redis that is away stops the run in one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from millrace.features.lookup import LookupPlan
from tests.integration.conftest import Laptop
from tests.integration.redis_servers import running_redis

pytestmark = pytest.mark.slow


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Return host:port of a Redis that this test starts and stops."""
    with running_redis(tmp_path) as (address, _):
        yield address


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
