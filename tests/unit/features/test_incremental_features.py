"""Day by day, whatever came between, features end as if they had been computed all at once."""

from __future__ import annotations

import contextlib
import itertools
import math
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from feature_worlds import START
from fuses import KilledError, burning
from hypothesis import given, settings
from hypothesis import strategies as st
from online_reading import by_plan
from windowed_worlds import COSTLY, HOUR, Row, Shops, days, event, events, steady

from millrace.features import load_definitions
from millrace.features.definitions import EVENT_TIMESTAMP
from millrace.features.offline import read_offline
from millrace.features.tables import digest_of_rows

PERIOD = days(9) - START
Key = tuple[tuple[str, Any], ...]
RUNS = st.lists(st.integers(9 * 24, 14 * 24), min_size=1, max_size=3)


def tables(world: Shops, until: datetime, since: datetime | None = None) -> dict[str, pa.Table]:
    """Return what each offline table holds up to a time."""
    found = {}
    for view in load_definitions(world.workload).views:
        table = read_offline(world.store, world.name, view.lookup)
        assert table is not None
        times = table[EVENT_TIMESTAMP]
        table = table.filter(pc.less_equal(times, pa.scalar(until, times.type)))
        if since is not None:
            times = table[EVENT_TIMESTAMP]
            table = table.filter(pc.greater_equal(times, pa.scalar(since, times.type)))
        found[view.name] = table
    return found


def latest(world: Shops, until: datetime) -> dict[str, dict[Key, dict[str, Any]]]:
    """Return the values of each view's keys that hold at a time, by the offline tables."""
    found: dict[str, dict[Key, dict[str, Any]]] = {}
    views = {view.name: view for view in load_definitions(world.workload).views}
    for name, table in tables(world, until).items():
        keys = views[name].keys
        found[name] = {}
        for row in table.to_pylist():  # sorted by keys and time
            fields = {n: v for n, v in row.items() if n not in (*keys, EVENT_TIMESTAMP)}
            found[name][tuple((key, row[key]) for key in keys)] = fields
    return found


def check_online(world: Shops, until: datetime) -> None:
    """Hold what is online, of every shop and till, to the offline tables."""
    held = latest(world, until)
    for shop in "abcdz":
        for till in range(4):
            entity = {"shop": shop, "till": till}
            (online,) = by_plan(world, entity)
            for view in load_definitions(world.workload).views:
                key = tuple((name, entity[name]) for name in view.keys)
                for field in view.lookup.fields:
                    expected = held[view.name].get(key, {}).get(field.name)
                    found = online.get(field.name)
                    assert _plain(found) == _plain(expected), (view.name, key)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def digests(world: Shops, until: datetime) -> dict[str, str]:
    common = tables(world, until, until - PERIOD)
    return {name: digest_of_rows(table) for name, table in common.items()}


@settings(COSTLY, max_examples=10)
@given(
    drawn=events(14),
    gone=st.sets(st.integers(0, 200)),
    corrected=st.sets(st.integers(0, 200)),
    runs=RUNS,
    kills=st.lists(st.tuples(st.integers(1, 14), st.booleans()), min_size=3, max_size=3),
)
def test_day_by_day_ends_as_all_at_once_whatever_died_or_was_corrected_in_between(
    drawn: list[Row],
    gone: set[int],
    corrected: set[int],
    runs: list[int],
    kills: list[tuple[int, bool]],
) -> None:
    first = [*steady(15), *drawn, event("z", 3, 13 * 24, 3, 20)]
    last = [
        row if number not in corrected or row["delay"] is None else row | {"delay": 7.25}
        for number, row in enumerate(first)
        if number not in gone and row["shop"] != "z"
    ]
    with tempfile.TemporaryDirectory() as folder:
        once, daily = Shops(Path(folder) / "once"), Shops(Path(folder) / "daily")
        end = days(15)
        for hour, (writes, after) in zip(runs, kills, strict=False):
            at = START + hour * HOUR
            with contextlib.suppress(KilledError), burning(daily.store, writes, after=after) as it:
                daily.brought(first, at, it)
            daily.brought(first, at)
        with contextlib.suppress(KilledError), burning(daily.store, kills[0][0], after=True) as it:
            daily.brought(last, end, it)
        state = daily.brought(last, end)
        assert state.digest == once.brought(last, end).digest
        assert digests(daily, end) == digests(once, end)
        check_online(once, end)
        check_online(daily, end)


@pytest.mark.parametrize("after", [True, False])
def test_a_source_that_is_mended_after_a_run_died_leaves_nothing_forgotten(
    tmp_path: Path, after: bool
) -> None:
    """The run that died has seen a source without a shop, and may have taken it from online."""
    rows, end = [*steady(14), event("z", 3, 13 * 24, 3, 20)], days(14)
    for kill in itertools.count(1):
        world = Shops(tmp_path / str(kill))
        world.brought(rows, end)
        try:
            with burning(world.store, kill, after=after) as it:
                world.brought([row for row in rows if row["shop"] != "z"], end, it)
            break
        except KilledError:
            world.brought(rows, end)
        assert latest(world, end)["till_delays"][(("shop", "z"), ("till", 3))]
        check_online(world, end)
    assert kill > 9, "three views forgotten, three tables, three views online, and the record"


@settings(COSTLY, max_examples=6)
@given(events(14), st.integers(9 * 24, 14 * 24 - 1), st.booleans())
def test_a_run_for_a_past_time_destroys_nothing_newer(
    drawn: list[Row], hour: int, changed: bool
) -> None:
    past = START + hour * HOUR
    # Of shop d there is one record in the past, which is taken back, and one that is newer.
    taken_back = event("d", 0, hour - 30, 2, 20)
    rows = [*steady(14), *drawn, event("d", 0, hour + 1, 0, 30)]
    with tempfile.TemporaryDirectory() as folder:
        world = Shops(Path(folder))
        world.brought([*rows, taken_back], days(14) + HOUR)
        before = {name: newer(table, past) for name, table in tables(world, days(15)).items()}
        world.brought(rows if changed else [*rows, taken_back], past)
        after = {name: newer(table, past) for name, table in tables(world, days(15)).items()}
        assert after == before
        assert len(before["shop_delays"])
        check_online(world, days(14) + HOUR)


def newer(table: pa.Table, than: datetime) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row[EVENT_TIMESTAMP] > than]


def test_a_run_that_died_goes_on_with_what_it_lacked(tmp_path: Path) -> None:
    """Each write of a run is once the last one: in the end there is always the same."""
    rows, end = steady(14), days(14)
    whole = Shops(tmp_path / "whole")
    whole.brought(rows, days(12))
    expected = whole.brought(rows, end).digest
    died = 0
    for writes in range(1, 30):
        world = Shops(tmp_path / str(writes))
        world.brought(rows, days(12))
        try:
            with burning(world.store, writes, after=bool(writes % 2)) as it:
                world.brought(rows, end, it)
        except KilledError:
            died += 1
        assert world.brought(rows, end).digest == expected
        check_online(world, end)
        if died < writes:
            break
    assert died >= 7, "three tables, three views online, and the record of it"
