"""Materialize: what a run adds offline, and what it brings online."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from datetime import datetime
from pathlib import Path

import pytest
from feature_worlds import (
    DAY,
    START,
    UNTIMED_FEATURES,
    World,
    people,
    timed_world,
    visits,
)
from online_reading import by_feast, by_plan, changes, read_redis
from tiny_redis import tiny_redis

from millrace.errors import FeatureError
from millrace.features import load_definitions, lookup_plan
from millrace.features.connect import open_to_write
from millrace.progress import heard


def test_the_first_run_brings_everything_and_the_second_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.materialize(people(20))
    assert changes(first) == [(20, 20, 20), (20, 20, 20)]
    second = world.materialize(people(20))
    assert changes(second) == [(20, 0, 0), (20, 0, 0)]
    assert second.digest == first.digest


def test_a_later_run_brings_what_is_new_or_changed(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.materialize(people(20))
    records = people(22)
    records[3]["spend"] = 99.0
    second = world.materialize(records, START + DAY)
    assert changes(second) == [(22, 2, 2), (23, 3, 3)]
    assert second.digest != first.digest
    assert [row["spend"] for row in by_feast(world, {"id": "p3"}, {"id": "p21"})] == [99.0, 10.5]
    assert world.materialize(people(20)).digest == first.digest, "the past has not changed"


def test_what_is_online_is_what_was_computed_missing_values_included(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(20))
    expected = [
        {key: record[key] for key in ("plan", "age", "spend", "active")} for record in people(20)
    ]
    entities = [{"id": record["id"]} for record in people(20)]
    assert by_feast(world, *entities) == expected


def test_the_lookup_plan_alone_reads_what_feast_reads(tmp_path: Path) -> None:
    world = World(tmp_path, name="some-people")
    records = people(8)
    records[0] |= {"id": "ключ", "plan": "été", "age": -5, "spend": -0.25}
    world.materialize(records)
    entities = [{"id": record["id"]} for record in records]
    assert by_plan(world, *entities) == by_feast(world, *entities)
    assert by_plan(world, {"id": "nobody"}) == [{}]


def test_the_lookup_plan_reads_keys_of_several_parts_and_types(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.materialize(visits(3), START + 5 * DAY)
    entities = [{"shop": "a", "till": 0}, {"shop": "a", "till": 2}, {"shop": "b", "till": 1}]
    assert by_plan(world, *entities) == by_feast(world, *entities)
    assert by_plan(world, {"shop": "a", "till": 2}) == [
        {"amount": 22.0, "till_most": 22.0, "visits": 1}
    ]


def test_every_served_type_goes_the_same_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(features=["typed"])
    world.write(
        "definitions.py",
        "from feast import Entity, FeatureView, Field, FileSource, ValueType\n"
        "from feast.types import *\n"
        "person = Entity(name='person', join_keys=['id'], value_type=ValueType.STRING)\n"
        "kinds = [String, Bool, Int32, Int64, Float32, Float64]\n"
        "typed = FeatureView(name='typed', entities=[person],\n"
        "    schema=[Field(name=f'f{n}', dtype=kind) for n, kind in enumerate(kinds)],\n"
        "    source=FileSource(path='typed.parquet', timestamp_field='event_timestamp'))\n",
    )
    world.write(
        "features.py",
        "import pandas as pd\n"
        "def typed(records):\n"
        "    rows = [('p0', 'x', True, -3, 2**53, 0.1, 0.1), ('p1', *[None] * 6)]\n"
        "    frame = pd.DataFrame(rows, columns=['id', *[f'f{n}' for n in range(6)]])\n"
        "    return frame.astype({'f1': 'boolean', 'f2': 'Int64', 'f3': 'Int64'})\n",
    )
    world.materialize(people(2))
    (full, empty) = by_plan(world, {"id": "p0"}, {"id": "p1"})
    assert full == {
        "f0": "x",
        "f1": True,
        "f2": -3,
        "f3": 2**53,
        "f4": pytest.approx(0.1, rel=1e-7),
        "f5": 0.1,
    }
    assert empty == dict.fromkeys(full)
    assert by_feast(world, {"id": "p0"}, {"id": "p1"}) == [full, empty]


def test_history_older_than_a_year_reaches_the_online_store(tmp_path: Path) -> None:
    world = World(tmp_path)
    long_ago = datetime.fromisoformat("1999-12-31T23:59:59.999999+00:00")
    assert changes(world.materialize(people(5), long_ago)) == [(5, 5, 5), (5, 5, 5)]
    assert by_feast(world, {"id": "p1"})[0]["age"] == 21


def test_a_corrected_past_row_reaches_the_online_store_only_if_it_is_the_latest(
    tmp_path: Path,
) -> None:
    world = timed_world(tmp_path)
    as_of = START + 9 * DAY
    records = visits(3)
    world.materialize(records, as_of)
    first, latest = records[0] | {"amount": 500.0}, records[8] | {"amount": 700.0}
    state = world.materialize([first, *records[1:8], latest, *records[9:]], as_of)
    assert [view.added for view in state.views] == [2, 2]
    (row,) = by_feast(world, {"shop": "a", "till": 0})
    assert (row["amount"], row["till_most"]) == (22.0, 700.0)


def test_rows_of_the_future_wait_for_their_time(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.materialize(visits(3), START + 1.5 * DAY)
    assert by_feast(world, {"shop": "a", "till": 0})[0]["amount"] == 12.0
    world.materialize(visits(3), START + 9 * DAY)
    assert by_feast(world, {"shop": "a", "till": 0})[0]["amount"] == 22.0


def test_an_earlier_as_of_time_leaves_newer_values_online(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(3, plan="new"), START + DAY)
    world.materialize(people(3, plan="old"), START)
    assert by_feast(world, {"id": "p1"})[0]["plan"] == "new"


def test_feast_serves_while_another_run_materializes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(3))
    with open_to_write(world.workload, world.settings, world.store) as feast:
        view = feast.get_feature_view("person_money")
        view.state = sys.modules["feast.feature_view"].FeatureViewState.MATERIALIZING
        feast.registry.apply_feature_view(view, world.name)
        assert by_feast(world, {"id": "p1"})[0]["age"] == 21


def test_two_runs_of_one_workload_do_not_write_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    with (
        open_to_write(world.workload, world.settings, world.store),
        pytest.raises(FeatureError, match="another run of this workload materializes right now"),
    ):
        world.materialize(people(3))


def test_the_home_folder_may_move(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(3))
    shutil.move(tmp_path / "home", tmp_path / "moved")
    world.options["home"] = tmp_path / "moved"
    state = world.materialize(people(4), START + DAY)
    assert changes(state) == [(4, 1, 1), (4, 1, 1)]
    assert by_feast(world, {"id": "p3"})[0]["age"] == 23


@pytest.mark.parametrize("lost", ["online.db", "registry.db"])
def test_what_was_lost_is_brought_again(tmp_path: Path, lost: str) -> None:
    world = World(tmp_path)
    world.materialize(people(5))
    world.materialize(people(5, plan="new"), START + DAY)
    (world.settings.feast_folder(world.name) / lost).unlink()
    state = world.materialize(people(5, plan="new"), START + DAY)
    assert [view.materialized for view in state.views] == [5, 5]
    assert by_feast(world, {"id": "p1"})[0]["plan"] == "new"


def test_progress_tells_of_each_view(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    World(tmp_path).materialize(people(5))
    lines = capsys.readouterr().out.splitlines()
    events = [heard(line) for line in lines]
    assert None not in events, "Feast printed something of its own"
    names = [event["event"] for event in events if event]
    assert names == ["records_read", *["features_computed"] * 2, *["features_online"] * 2]


def test_redis_holds_what_sqlite_holds(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(6))
    expected = by_plan(world, *({"id": f"p{n}"} for n in range(6)))
    plan = lookup_plan(world.workload, load_definitions(world.workload))
    with tiny_redis() as server:
        world.options |= {"online_store": "redis", "redis": server.address, "timeout": 5}
        state = world.materialize(people(6))
        assert changes(state) == [(6, 0, 6), (6, 0, 6)], "the new online store gets everything"
        found = [read_redis(server.hashes, plan, {"id": f"p{n}"}) for n in range(6)]
        assert found == expected == by_feast(world, *({"id": f"p{n}"} for n in range(6)))
        assert changes(world.materialize(people(6))) == [(6, 0, 0), (6, 0, 0)]


def test_a_corrected_row_of_the_same_time_reaches_redis(tmp_path: Path) -> None:
    world = World(tmp_path)
    with tiny_redis() as server:
        world.options |= {"online_store": "redis", "redis": server.address, "timeout": 5}
        world.materialize(people(3, plan="old"))
        world.materialize(people(3, plan="corrected"))
        assert by_feast(world, {"id": "p1"})[0]["plan"] == "corrected"


def test_an_empty_view_is_no_fault(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("features.py", UNTIMED_FEATURES.replace('"active"]]', '"active"]][:0]'))
    assert changes(world.materialize(people(3))) == [(3, 3, 3), (0, 0, 0)]
    assert by_feast(world, {"id": "p1"})[0]["spend"] is None


def test_the_online_table_has_one_row_a_feature_and_entity(tmp_path: Path) -> None:
    world = World(tmp_path)
    for day in range(3):
        world.materialize(people(4, plan=f"plan {day}"), START + day * DAY)
    with sqlite3.connect(world.settings.feast_folder(world.name) / "online.db") as connection:
        (count,) = connection.execute("SELECT count(*) FROM people_person_profile").fetchone()
    assert count == 4 * 2


def test_a_key_that_a_window_made_anew_leaves_without_rows_has_no_value_online(
    tmp_path: Path,
) -> None:
    world = timed_world(tmp_path)
    world.write_spec(time={**world.spec["time"], "window": "4d"})
    once = {**visits(5)[-1], "till": 77}
    world.materialize([*visits(5), once], START + 5 * DAY)
    asked = {"shop": "b", "till": 77}
    assert by_plan(world, asked)[0]["visits"] == 1
    world.materialize(visits(5), START + 5 * DAY)
    nothing = {"till_most": None, "visits": None}
    [found], [told] = by_plan(world, asked), by_feast(world, asked)
    assert {name: found[name] for name in nothing} == nothing
    assert {name: told[name] for name in nothing} == nothing


def test_it_has_none_in_redis_either(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.write_spec(time={**world.spec["time"], "window": "4d"})
    plan = lookup_plan(world.workload, load_definitions(world.workload))
    asked = {"shop": "b", "till": 77}
    with tiny_redis() as server:
        world.options |= {"online_store": "redis", "redis": server.address, "timeout": 5}
        world.materialize([*visits(5), {**visits(5)[-1], "till": 77}], START + 5 * DAY)
        assert read_redis(server.hashes, plan, asked)["visits"] == 1
        world.materialize(visits(5), START + 5 * DAY)
        found = read_redis(server.hashes, plan, asked)
        assert (found["till_most"], found["visits"]) == (None, None)
        assert found["amount"] is not None
