"""The SQLite online store while others write, remove, replace or damage its file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from lookup_tables import PLAN, put, write_tables

from serving.predictor.lookup.base import OnlineStoreDown, Values
from serving.predictor.lookup.sqlite import SqliteStore

MISSING: dict[str, Values] = {"plan": [None], "age": [None], "spend": [None]}
ANN: dict[str, Values] = {"plan": ["free"], "age": [33], "spend": [1.5]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_tables(tmp_path / "online.db")
    return tmp_path / "online.db"


async def read(store: SqliteStore, *names: str) -> dict[str, Values]:
    return await store.read({"id": list(names)}, [0, 1])


def test_one_entity_and_several_are_read(file: Path) -> None:
    async def play() -> None:
        store = SqliteStore(file, PLAN, 1.0)
        assert await read(store, "ann") == ANN
        assert await read(store, "bob") == MISSING
        several = await read(store, "bob", "ann", "ann")
        assert several["plan"] == [None, "free", "free"]
        assert several["spend"] == [None, 1.5, 1.5]
        assert await store.read({"id": ["ann"]}, [1]) == {"spend": [1.5]}
        await store.close()

    asyncio.run(play())


def test_thousands_of_entities_are_read(file: Path) -> None:
    async def play() -> None:
        store = SqliteStore(file, PLAN, 1.0)
        names = [f"nobody-{number}" for number in range(2500)]
        found = await read(store, *names, "ann")
        assert found["age"] == [None] * 2500 + [33]

    asyncio.run(play())


def test_a_value_past_its_time_to_live_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "online.db"
    write_tables(file, age_of_spend=3700)
    found = asyncio.run(read(SqliteStore(file, PLAN, 1.0), "ann"))
    assert found == {**ANN, "spend": [None]}
    assert asyncio.run(read(SqliteStore(file, PLAN, 1.0), "bob", "ann"))["spend"] == [None, None]


def test_a_locked_file_is_waited_for_while_the_event_loop_goes_on(file: Path) -> None:
    async def play() -> int:
        store = SqliteStore(file, PLAN, 10.0)
        writer = sqlite3.connect(file, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        readers = [asyncio.create_task(read(store, "ann")) for _ in range(20)]
        turns = 0
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            await asyncio.sleep(0)
            turns += 1
        assert not any(reader.done() for reader in readers)
        writer.execute("COMMIT")
        writer.close()
        assert await asyncio.gather(*readers) == [ANN] * 20
        return turns

    assert asyncio.run(play()) > 20


def test_a_file_that_stays_locked_is_down_after_the_timeout(file: Path) -> None:
    async def play() -> None:
        store = SqliteStore(file, PLAN, 0.02)
        writer = sqlite3.connect(file, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OnlineStoreDown, match="locked for 20 ms"):
            await read(store, "ann")
        writer.execute("COMMIT")
        writer.close()
        assert await read(store, "ann") == ANN

    asyncio.run(play())


def test_reading_goes_on_beside_a_writer_with_a_write_ahead_log(file: Path) -> None:
    async def play() -> None:
        writer = sqlite3.connect(file, isolation_level=None)
        writer.execute("PRAGMA journal_mode = WAL")
        store = SqliteStore(file, PLAN, 0.02)
        writer.execute("BEGIN IMMEDIATE")
        put(writer, "people", "plan", b"\x12\x04paid")
        assert await read(store, "ann") == ANN
        writer.execute("COMMIT")
        assert (await read(store, "ann"))["plan"] == ["paid"]
        writer.close()
        assert (await read(store, "ann"))["plan"] == ["paid"]

    asyncio.run(play())


def test_a_file_that_goes_and_comes_back_is_read_again(tmp_path: Path) -> None:
    async def play() -> None:
        file = tmp_path / "online.db"
        store = SqliteStore(file, PLAN, 0.02)
        await store.start()
        with pytest.raises(OnlineStoreDown, match="not there"):
            await read(store, "ann")
        write_tables(file)
        assert await read(store, "ann") == ANN
        file.unlink()
        with pytest.raises(OnlineStoreDown):
            await read(store, "ann")
        write_tables(file, plan="paid")
        assert (await read(store, "ann"))["plan"] == ["paid"]

    asyncio.run(play())


def test_a_file_that_is_replaced_is_read_anew(file: Path) -> None:
    async def play() -> None:
        store = SqliteStore(file, PLAN, 0.02)
        assert await read(store, "ann") == ANN
        other = file.with_name("other.db")
        write_tables(other, plan="paid")
        other.replace(file)
        assert (await read(store, "ann"))["plan"] == ["paid"]

    asyncio.run(play())


@pytest.mark.parametrize(
    "content", [b"no database" * 500, b"", b"SQLite format 3\x00" + b"x" * 5000]
)
def test_a_file_that_is_no_online_store_is_down(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "online.db"
    file.write_bytes(content)
    with pytest.raises(OnlineStoreDown, match="cannot be read"):
        asyncio.run(read(SqliteStore(file, PLAN, 0.02), "ann"))


@pytest.mark.parametrize("value", [b"\x12\x09cut", b"\xff\xff", "text", 7])
def test_a_value_that_is_none_is_a_fault_and_no_crash(file: Path, value: object) -> None:
    with sqlite3.connect(file) as connection:
        put(connection, "people", "plan", value)  # type: ignore[arg-type]
    connection.close()
    with pytest.raises(OnlineStoreDown, match="no feature value"):
        asyncio.run(read(SqliteStore(file, PLAN, 0.02), "ann"))
    with pytest.raises(OnlineStoreDown, match="no feature value"):
        asyncio.run(read(SqliteStore(file, PLAN, 0.02), "ann", "bob"))


def test_reading_changes_nothing(file: Path) -> None:
    before = file.read_bytes()
    asyncio.run(read(SqliteStore(file, PLAN, 0.02), "ann"))
    assert file.read_bytes() == before
