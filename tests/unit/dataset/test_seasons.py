"""Seasons: what was to be predicted from one period to the next, over all parts."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feature_worlds import DAY, START, World, people, timed_world, visits
from hypothesis import given
from hypothesis import strategies as st
from test_dataset_assembly import made

from millrace.dataset.manifest import EVENT_TIME, LABEL, SplitRule
from millrace.dataset.seasons import seasons_of

END = START + 30 * DAY
RULE = SplitRule(
    by="time",
    test=6 * 86400,
    validation=4 * 86400,
    train_until=(END - 10 * DAY).isoformat(),
    roll=3 * 86400,
)
SECONDS = st.integers(0, 30 * 86400)


@given(st.lists(SECONDS, min_size=1))
def test_each_row_of_whole_periods_is_in_one_season(ago):
    times = pd.Series([END - timedelta(seconds=second) for second in ago])
    labels = np.arange(len(ago), dtype=np.float32)
    found = seasons_of(RULE, times, labels)
    whole = times > min((season.start for season in found), default=END.isoformat())
    assert sum(season.rows for season in found) == whole.sum()
    assert (times[~whole] - times.min() < 3 * DAY).all(), "all others are of the first period"
    total = sum(season.rows * season.mean_label for season in found)
    assert total == pytest.approx(labels[whole].sum())
    spans = [(datetime.fromisoformat(s.start), datetime.fromisoformat(s.end)) for s in found]
    assert all(start < end and end - start == 3 * DAY for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    for (start, end), season in zip(spans, found, strict=True):
        assert ((times > start) & (times <= end)).sum() == season.rows


def test_without_roll_a_season_is_as_long_as_the_test_window():
    rule = RULE.model_copy(update={"roll": None})
    (season,) = seasons_of(rule, pd.Series([END, END - 5.9 * DAY]), np.ones(2, np.float32))
    assert (season.start, season.end) == ((END - 6 * DAY).isoformat(), END.isoformat())


@pytest.mark.parametrize(("hours", "seasons"), [(1, 3), (23, 3), (25, 2), (71, 2)])
def test_a_first_period_that_has_begun_before_the_first_rows_day_is_no_season(hours, seasons):
    first = END - 9 * DAY + timedelta(hours=hours)
    times = pd.Series([first, *(END - day * DAY for day in range(6))])
    found = seasons_of(RULE, times, np.ones(len(times), np.float32))
    assert [season.rows for season in found] == [1, 3, 3][-seasons:]


def test_seasons_stand_in_the_manifest_and_end_at_the_as_of_time(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.write_spec(split={"by": "time", "test": "2d", "validation": "1d", "roll": "1d"})
    manifest = made(world, visits(8), START + 8 * DAY)
    rows = world.rows()
    # The first event of all is of the moment at which a day ends, of which nothing else is there;
    # the labels of two events came only after their part had ended.
    assert [season.rows for season in manifest.seasons] == [*[4] * 7, 3]
    assert len(rows) == 8 * 4 - 2
    assert manifest.seasons[-1].end == (START + 8 * DAY).isoformat()
    newest = rows[rows[EVENT_TIME] > START + 7 * DAY]
    assert manifest.seasons[-1].mean_label == newest[LABEL].mean()


def test_without_a_split_by_time_there_are_none(tmp_path: Path) -> None:
    assert made(World(tmp_path), people(60)).seasons == []
