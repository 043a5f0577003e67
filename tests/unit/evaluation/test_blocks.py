"""Rows that stand or fall together are drawn together, or intervals are far too narrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from timed_rows import AS_OF, DAY, rows_at

from millrace.dataset.manifest import EVENT_TIME
from millrace.evaluation.binary import BinarySample
from millrace.evaluation.blocks import LEAST, blocks_of
from millrace.evaluation.bootstrap import Subject, resample
from millrace.evaluation.task import BINARY


def test_rows_of_one_day_share_a_block_and_rows_of_two_do_not():
    hours = [AS_OF + hour * DAY / 24 for hour in range(30 * 24)]
    blocks = blocks_of(rows_at(hours))
    assert np.array_equal(blocks, np.repeat(np.arange(30), 24))


def test_the_order_of_rows_does_not_matter():
    hours = np.array([AS_OF + hour * DAY / 24 for hour in range(30 * 24)])
    mixed = np.random.default_rng(0).permutation(len(hours))
    assert np.array_equal(blocks_of(rows_at(list(hours[mixed]))), mixed // 24)


def test_days_without_a_row_are_no_blocks():
    days = [*range(10), *range(40, 60)]
    blocks = blocks_of(rows_at([AS_OF + day * DAY for day in days]))
    assert np.array_equal(blocks, np.arange(30))


@pytest.mark.parametrize("days", [0.01, 3, 19.9])
def test_fewer_days_than_twenty_are_cut_into_twenty_blocks(days):
    times = pd.Series(pd.date_range(AS_OF, AS_OF + days * DAY, periods=401, unit="us"))
    blocks = blocks_of(rows_at(times))
    assert len(set(blocks)) == LEAST == 20
    assert set(np.bincount(blocks)) <= {19, 20, 21}, "the last moment is no block of its own"


def test_rows_of_one_moment_are_drawn_one_by_one():
    assert blocks_of(rows_at([AS_OF] * 5)) is None


def of_entities(names):
    rows = rows_at([AS_OF] * len(names))
    return replace(rows, frame=pd.DataFrame({"customer": names}))


def test_all_rows_of_an_entity_are_a_block():
    assert list(blocks_of(of_entities(["b", "a", "b", "c"]))) == [0, 1, 0, 2]


def test_entities_with_one_row_each_are_drawn_row_by_row():
    assert blocks_of(of_entities(["a", "b", "c"])) is None


def test_without_keys_there_is_nothing_to_tell_entities_by():
    rows = of_entities(["a", "a"])
    assert blocks_of(replace(rows, frame=pd.DataFrame({"age": [1, 1]}))) is None


def stormy(seed, days=40, a_day=40):
    """Return labels, scores and times of rows whose scores are as far off as their day says."""
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), a_day)
    off = chance.uniform(0, 0.8, days)[day]
    labels = chance.integers(0, 2, days * a_day).astype(float)
    times = [AS_OF + d * DAY + n % a_day * DAY / a_day for n, d in enumerate(day.tolist())]
    return labels, np.abs(labels - off), times


@pytest.mark.parametrize("together", [True, False])
def test_the_interval_of_a_metric_under_days_that_differ_covers_as_often_as_it_says(together):
    """Brier's expectation is that of the square of a uniform number up to 0.8."""
    truth, covered, trials = 0.8**2 / 3, 0, 120
    for seed in range(trials):
        labels, scores, times = stormy(seed)
        drawn = resample(
            BINARY,
            {"m": Subject(BinarySample(labels, scores))},
            len(labels),
            seed=seed,
            blocks=blocks_of(rows_at(times, labels)) if together else None,
            resamples=200,
        )
        found = drawn["m"]["brier"].estimate("brier")
        covered += found.low <= truth <= found.high
    if together:
        assert 0.86 <= covered / trials <= 0.99
    else:
        assert covered / trials < 0.5


def test_a_table_of_times_is_read_as_it_lies(make):
    """The held-out rows of a dataset with times are drawn by day, those without by customer."""
    frame = make.rows(200)
    frame[EVENT_TIME] = pd.date_range(AS_OF, periods=200, freq="6h", unit="us")
    rows = rows_at(frame[EVENT_TIME])
    assert len(set(blocks_of(replace(rows, frame=frame)))) == 50
    assert blocks_of(replace(rows, frame=frame.drop(columns=EVENT_TIME))) is None
