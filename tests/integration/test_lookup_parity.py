"""Lookups by the plan tell what Feast's own `get_online_features` tells, also while it writes."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millrace.features import load_definitions, lookup_plan
from serving.predictor.lookup import OnlineStore, OnlineStoreDown, open_online_store
from tests.integration.online_worlds import (
    NOW,
    SHOPS,
    World,
    by_feast,
    running_redis,
    sales,
    shops_world,
)

KEYS = ("shop", "till", "code")
EXPIRED = {"last", "word"}


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Return a workload whose features are in an online store of each kind."""
    folder = tmp_path_factory.mktemp("online")
    if request.param == "sqlite":
        made = shops_world(folder)
        made.materialize(sales(), as_of=NOW)
        yield made
        return
    with running_redis(folder) as (address, _):
        made = shops_world(folder, online_store="redis", redis=address)
        made.materialize(sales(), as_of=NOW)
        yield made


def opened(world: World, timeout: float = 5.0) -> OnlineStore:
    plan = lookup_plan(world.workload, load_definitions(world.workload))
    return open_online_store(world.name, plan, world.settings, timeout)


def looked_up(world: World, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    async def play() -> list[dict[str, Any]]:
        store = opened(world)
        await store.start()
        keys = {key: [entity[key] for entity in entities] for key in KEYS}
        found = await store.read(keys, [0, 1, 2, 3])
        await store.close()
        return [{name: found[name][row] for name in found} for row in range(len(entities))]

    return asyncio.run(play())


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


def entities_of(world: World) -> list[dict[str, Any]]:
    known = [{key: record[key] for key in KEYS} for record in sales()]
    strange = [
        {"shop": shop, "till": till, "code": code}
        for shop in (*SHOPS, "nowhere", "Ab")
        for till, code in ((0, 0), (12345, 77))
    ]
    return [*known, *strange, *known[:3]]


def test_values_types_and_missing_ones_are_those_of_feast(world: World) -> None:
    entities = entities_of(world)
    theirs, ours = by_feast(world, *entities), looked_up(world, entities)
    fresh = {record["shop"] for record in sales() if (NOW - record["at"]).days < 1}
    told = 0
    for entity, expected, found in zip(entities, theirs, ours, strict=True):
        assert set(found) == set(expected)
        for name, value in found.items():
            if name in EXPIRED and entity["shop"] not in fresh:
                assert value is None
                continue
            assert same(value, expected[name]), (entity, name, value, expected[name])
            told += value is not None
    assert told > 300


def test_each_entity_alone_is_what_it_is_among_many(world: World) -> None:
    entities = entities_of(world)[::6]
    for entity, expected in zip(entities, looked_up(world, entities), strict=True):
        alone = looked_up(world, [entity])[0]
        assert all(same(alone[name], expected[name]) for name in expected)


def test_a_value_past_its_time_to_live_is_missing_as_in_training(world: World) -> None:
    """Feast 0.67 still tells it; its point-in-time join, which makes training data, does not."""
    stale = [r for r in sales() if (NOW - r["at"]).days >= 1 and r["amount"] is not None][-1]
    entity = {key: stale[key] for key in KEYS}
    assert by_feast(world, entity)[0]["last"] is not None
    assert looked_up(world, [entity])[0]["last"] is None


def test_lookups_never_fail_while_feast_materializes(tmp_path: Path) -> None:
    world = shops_world(tmp_path)
    world.materialize(sales(), as_of=NOW)
    records = [
        {**sales(count=1)[0], "shop": f"shop {n}", "till": n, "code": n} for n in range(1500)
    ]
    entity: dict[str, Any] = {"shop": ["ab"], "till": [0], "code": [0]}

    async def play() -> tuple[int, list[Any]]:
        store = opened(world, timeout=0.02)
        reads = 0
        writer = asyncio.create_task(
            asyncio.to_thread(world.materialize, [*sales(2.0), *records], NOW)
        )
        while not writer.done():
            found = await store.read(entity, [0, 1, 2, 3])
            assert found["sum"][0] is not None
            reads += 1
            await asyncio.sleep(0.001)
        await writer
        found = await store.read({"shop": ["shop 7"], "till": [7], "code": [7]}, [0, 1, 2])
        await store.close()
        return reads, [found["sum"][0], found["visits"][0], found["small"][0]]

    reads, last = asyncio.run(play())
    assert reads > 50
    assert last == [0.1, 49, 7]


def test_a_redis_that_dies_is_down_at_once_and_found_again(tmp_path: Path) -> None:
    entity: dict[str, Any] = {"shop": ["ab"], "till": [0], "code": [0]}

    async def play(world: World, process: Any, port: int) -> None:
        store = opened(world, timeout=0.5)
        await store.start()
        assert (await store.read(entity, [0]))["kind"] is not None
        process.kill()
        process.wait()
        loop = asyncio.get_running_loop()
        start = loop.time()
        for _ in range(20):
            with pytest.raises(OnlineStoreDown):
                await store.read(entity, [0])
        assert loop.time() - start < 5
        with running_redis(tmp_path, port):
            async with asyncio.timeout(20):
                while True:
                    try:
                        found = await store.read(entity, [0])
                        break
                    except OnlineStoreDown:
                        await asyncio.sleep(0.02)
            assert found == {"kind": [None], "open": [None], "sum": [None]}
        await store.close()

    with running_redis(tmp_path) as (address, process):
        world = shops_world(tmp_path, online_store="redis", redis=address)
        world.materialize(sales(), as_of=NOW)
        asyncio.run(play(world, process, int(address.split(":")[1])))


def test_a_redis_that_says_nothing_is_down_after_the_timeout(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        world = shops_world(tmp_path, online_store="redis", redis=address)

        async def play() -> None:
            store = opened(world, timeout=0.02)
            with pytest.raises(OnlineStoreDown, match="20 ms"):
                await store.read({"shop": ["ab"]}, [0])
            await store.close()

        asyncio.run(play())


def test_a_hash_that_holds_something_else_is_a_fault(tmp_path: Path) -> None:
    import redis

    with running_redis(tmp_path) as (address, _):
        world = shops_world(tmp_path, online_store="redis", redis=address)
        world.materialize(sales(), as_of=NOW)
        client = redis.Redis(port=int(address.split(":")[1]))
        for key in client.scan_iter():
            client.hset(key, mapping=dict.fromkeys(client.hkeys(key), b"\xff\xff"))
        with pytest.raises(OnlineStoreDown, match="no feature value"):
            looked_up(world, [{"shop": "ab", "till": 0, "code": 0}])
        client.flushall()
        for key in [b"x"]:
            client.set(key, b"")
        assert looked_up(world, [{"shop": "ab", "till": 0, "code": 0}])[0]["sum"] is None
        client.close()
