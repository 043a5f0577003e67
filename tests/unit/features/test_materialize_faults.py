"""Materialize when something gives way: a kill, a full disk, a store that does not answer."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from feature_worlds import DAY, START, World, people
from online_reading import by_feast

from millrace.errors import FeatureError, StoreError
from millrace.progress import heard

SCRIPT = """
import resource, sys
from datetime import datetime
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from feature_worlds import World, people
from millrace.errors import MillraceError
from millrace.features import materialize
world = World(Path(sys.argv[2]))
accepted, as_of = world.accept(people(400, plan="new")), datetime.fromisoformat(sys.argv[3])
if limit := int(sys.argv[4]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    materialize(world.workload, accepted, world.store, world.settings, as_of=as_of)
except MillraceError as error:
    print(type(error).__name__, error)
"""


def start(world: World, limit: int = 0) -> subprocess.Popen[str]:
    folder = str(Path(__file__).parent)
    as_of = (START + DAY).isoformat()
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, folder, str(world.root), as_of, str(limit)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "count"), [("records_read", 1), ("features_computed", 2), ("features_online", 1)]
)
def test_a_run_that_was_killed_and_run_again_ends_the_same(
    tmp_path: Path, event: str, count: int
) -> None:
    whole, killed = World(tmp_path / "whole"), World(tmp_path / "killed")
    for world in (whole, killed):
        world.materialize(people(400))
    with start(killed) as process:
        assert process.stdout is not None
        events = (heard(line) for line in process.stdout)
        seen = (found for found in events if found and found["event"] == event)
        for _ in range(count):
            next(seen)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    entities = [{"id": f"p{number}"} for number in (0, 1, 399)]
    assert by_feast(killed, *entities), "what serves goes on"

    expected = whole.materialize(people(400, plan="new"), START + DAY)
    state = killed.materialize(people(400, plan="new"), START + DAY)
    assert state.digest == expected.digest
    assert [view.rows for view in state.views] == [view.rows for view in expected.views]
    assert by_feast(killed, *entities) == by_feast(whole, *entities)
    again = killed.materialize(people(400, plan="new"), START + DAY)
    assert [view.materialized for view in again.views] == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1_000, 10_000, 50_000])
def test_a_full_disk_is_told_in_one_line_and_leaves_what_was(tmp_path: Path, limit: int) -> None:
    world = World(tmp_path)
    before = world.materialize(people(400))
    with start(world, limit) as process:
        out, err = process.communicate()
    assert not err
    assert out.splitlines()[-1].startswith("StoreError "), out
    assert by_feast(world, {"id": "p1"})[0]["plan"] == "paid"
    assert world.materialize(people(400)).digest == before.digest
    world.materialize(people(400, plan="new"), START + DAY)
    assert by_feast(world, {"id": "p1"})[0]["plan"] == "new"


@contextmanager
def silent_port() -> Iterator[str]:
    """Listen, accept nothing, answer nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_redis_that_does_not_answer_is_told_within_the_timeout(tmp_path: Path) -> None:
    with silent_port() as address:
        options = {"online_store": "redis", "redis": f"{address},password=secret", "timeout": 0.2}
        world = World(tmp_path, options=options)
        with pytest.raises(StoreError, match="the online store Redis does not answer") as caught:
            world.materialize(people(3))
    assert address in str(caught.value)
    assert "check MILLRACE_REDIS" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not (world.settings.store_folder / "features").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:port", "no such host:6379"])
def test_a_redis_that_is_not_there_is_told_in_one_line(tmp_path: Path, address: str) -> None:
    options = {"online_store": "redis", "redis": address, "timeout": 0.5}
    with pytest.raises(StoreError, match="check MILLRACE_REDIS"):
        World(tmp_path, options=options).materialize(people(3))


def test_an_online_store_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(3))
    (world.settings.feast_folder(world.name) / "online.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="feature store does not do as asked: file is not a data"):
        world.materialize(people(3), START + DAY)


@pytest.mark.slow
def test_an_online_store_that_somebody_locks_is_told_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path, options={"timeout": 0.2})
    world.materialize(people(3))
    file = world.settings.feast_folder(world.name) / "online.db"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreError, match="database is locked"):
            world.materialize(people(4), START + DAY)
    finally:
        connection.close()
    state = world.materialize(people(4), START + DAY)
    assert [(view.added, view.materialized) for view in state.views] == [(0, 4), (0, 4)]


def test_a_registry_that_is_damaged_is_told_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(3))
    (world.settings.feast_folder(world.name) / "registry.db").write_bytes(b"\xff" * 50)
    with pytest.raises(FeatureError, match="the Feast registry cannot be read") as caught:
        world.materialize(people(3))
    assert "a damaged file may be deleted" in str(caught.value)
    (world.settings.feast_folder(world.name) / "registry.db").unlink()
    assert [view.materialized for view in world.materialize(people(3)).views] == [3, 3]


@pytest.mark.parametrize(
    "registry", ["nonesuch://x/y", "postgresql://127.0.0.1:1/feast", "sqlite:////nonesuch/r.db"]
)
def test_a_registry_that_does_not_answer_is_told_in_one_line(tmp_path: Path, registry: str) -> None:
    world = World(tmp_path, options={"feast_registry": registry})
    with pytest.raises(FeatureError, match="check MILLRACE_FEAST_REGISTRY") as caught:
        world.materialize(people(3))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "registry",
    [
        "postgresql://user:se%40cret@127.0.0.1:1/feast",
        "nonesuch://user:se%40cret@x/y",
        "s3://user:se%40cret@127.0.0.1:1/feast/registry.pb",
        "postgresql://user@127.0.0.1:1/feast?password=se%40cret",
    ],
)
def test_a_registrys_credentials_are_never_told(tmp_path: Path, registry: str) -> None:
    world = World(tmp_path, options={"feast_registry": registry, "timeout": 0.2})
    with pytest.raises(FeatureError) as caught:
        world.materialize(people(3))
    for secret in ("se%40cret", "se@cret", "cret"):
        assert secret not in str(caught.value)
    assert registry.partition("://")[0] in str(caught.value)


def test_a_redis_address_of_another_form_tells_no_password(tmp_path: Path) -> None:
    options = {"online_store": "redis", "redis": "redis://:secret@127.0.0.1:1"}
    with pytest.raises(StoreError, match="check MILLRACE_REDIS") as caught:
        World(tmp_path, options=options).materialize(people(3))
    assert "secret" not in str(caught.value)


def test_a_registry_in_a_database_works_like_a_file(tmp_path: Path) -> None:
    world = World(tmp_path, options={"feast_registry": f"sqlite:///{tmp_path}/registry.sql"})
    assert [view.materialized for view in world.materialize(people(3)).views] == [3, 3]
    assert [view.materialized for view in world.materialize(people(3)).views] == [0, 0]
    assert by_feast(world, {"id": "p1"})[0]["age"] == 21
