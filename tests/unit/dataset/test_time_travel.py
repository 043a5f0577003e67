"""Cutting the source at any moment changes no training row and no feature value before it."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_worlds import DAY, START, in_time
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed_worlds import COSTLY, HOUR, Row, Shops, cut, days, event, events, steady

from millrace.dataset.manifest import EVENT_TIME, LABEL

HOURS = st.integers(9 * 24, 14 * 24)
DELAY = 30 * HOUR
"""No outcome takes longer to become known."""


def run_of(rows: list[Row], as_of: datetime) -> tuple[str, pd.DataFrame]:
    """Return the digest and the rows of the training set of one run, in a world of its own."""
    with tempfile.TemporaryDirectory() as folder:
        world = Shops(Path(folder))
        return world.run(rows, as_of).digest, world.rows()


@settings(COSTLY, max_examples=8)
@given(events(14), HOURS, st.randoms(use_true_random=False))
def test_a_run_as_of_a_time_learns_what_one_on_the_source_of_then_learns(
    drawn: list[Row], hour: int, chance: Any
) -> None:
    rows = [*steady(14), *drawn]
    as_of = START + hour * HOUR
    digest, table = run_of(rows, as_of)
    then = cut(rows, as_of)
    chance.shuffle(then)
    assert run_of(then, as_of)[0] == digest, "in whatever order rows arrive"
    assert as_of - table[EVENT_TIME].min() <= days(6) - START
    assert table[EVENT_TIME].max() <= as_of
    happened = [row for row in rows if row["at"] <= as_of <= row["at"] + (days(6) - START)]
    assert len(table) == sum(in_time(row["at"], row["known"], as_of) for row in happened)


@settings(COSTLY, max_examples=6)
@given(events(14), HOURS, st.integers(1, 4 * 24))
def test_features_of_then_are_the_same_for_a_later_run(
    drawn: list[Row], hour: int, later: int
) -> None:
    # Some till is seen now and then only: what held of it may be older than a later run reads.
    seldom = [event("d", 9, hour, 2, 30) for hour in (10, 100, 105, 175, 260)]
    rows = [*steady(18), *seldom, *drawn]
    first, second = START + hour * HOUR, START + (hour + later) * HOUR
    (_, then), (_, now) = run_of(rows, first), run_of(rows, second)
    names = [name for name in then if name != LABEL]
    both = [
        t[(t[EVENT_TIME] <= first) & (t[EVENT_TIME] >= second - (days(6) - START))]
        for t in (then, now)
    ]
    old, new = (t[names].value_counts(dropna=False) for t in both)
    # An outcome may have become known in between: then the row is there only later. Or it is of
    # another part now, at whose end its outcome was not known.
    ends = [second - 3 * DAY, second - 2 * DAY]
    times = old.index.get_level_values(EVENT_TIME)
    near = [any(end - DELAY <= time <= end for end in ends) for time in times]
    assert (old <= new.reindex(old.index, fill_value=0))[~np.array(near)].all()
    assert len(old) > 8


@pytest.mark.parametrize("until", [9, 11, 14])
def test_what_earlier_runs_left_behind_changes_no_training_set(tmp_path: Path, until: int) -> None:
    """Here a value of long ago is still in the offline table, and holds without an end."""
    rows = [*steady(14), event("d", 9, 10, 2, 30), event("d", 9, 13 * 24 - 30, 2, 30)]
    fresh, used = Shops(tmp_path / "fresh"), Shops(tmp_path / "used")
    for world in (fresh, used):
        world.write("definitions.py", world.definitions.replace("days=3", "days=0"))
    for day in (9, 3.5, 7, 13.5):
        used.brought(rows, days(day))
    assert used.brought(rows, days(until)).digest == fresh.brought(rows, days(until)).digest
    assert used.run(rows, days(until)).digest == fresh.run(rows, days(until)).digest


@settings(COSTLY, max_examples=5)
@given(events(14), st.randoms(use_true_random=False))
def test_in_whatever_order_rows_arrive_features_and_labels_end_the_same(
    drawn: list[Row], chance: Any
) -> None:
    rows = [*steady(14), *drawn, *drawn[:3]]
    found = set()
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            world = Shops(Path(folder))
            found.add((world.brought(rows, days(13)).digest, world.run(rows, days(13)).digest))
        chance.shuffle(rows)
    assert len(found) == 1


def test_a_run_for_the_same_time_again_differs_only_by_what_became_known(tmp_path: Path) -> None:
    world = Shops(tmp_path)
    told = event("z", 3, 12 * 24, 2, 30)
    rows, others = steady(14), event("b", 1, 12 * 24, 2, 30)
    first = world.run(
        [*rows, others, told | {"known": None, "delay": None, "late": None}], days(13)
    )
    before = world.rows()
    second = world.run([*rows, others, told], days(13))
    after = world.rows()
    (became_known,) = after[after["shop"] == "z"].itertuples()
    assert became_known.till == 3
    assert after[after["shop"] != "z"].reset_index(drop=True).equals(before)
    assert sum(second.rows.values()) == sum(first.rows.values()) + 1
    # What lies after that time is no part of it.
    assert world.run([*rows, others, told, event("z", 3, 14 * 24, 2, 0)], days(13)) == second
