"""The test window is told apart by periods that cover it and end where it ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from timed_rows import AS_OF, DAY, rows_at, rule

from millrace.dataset.manifest import EVENT_TIME
from millrace.evaluation.contest import Contender, hold
from millrace.evaluation.periods import stretches
from millrace.evaluation.task import BINARY


def hourly(days: float) -> list:
    """Return the hours of the test window, its end included and its start not."""
    return [AS_OF - hour * DAY / 24 for hour in range(round(days * 24))][::-1]


@pytest.mark.parametrize(("test", "roll", "lengths"), [(21, 7, [7, 7, 7]), (20, 7, [6, 7, 7])])
def test_periods_cover_the_test_window_and_the_oldest_is_what_is_left(test, roll, lengths):
    rows = rows_at(hourly(test), split=rule(test, roll=roll))
    found = stretches(rows)
    assert [(period.end - period.start) / DAY for period in found] == lengths
    assert found[0].start == AS_OF - test * DAY
    assert found[-1].end == AS_OF
    assert all(one.end == other.start for one, other in pairwise(found))
    members = np.concatenate([period.rows for period in found])
    assert np.array_equal(members, np.arange(len(rows)))


def test_a_row_at_the_border_belongs_to_the_period_that_it_ends():
    first, second = stretches(rows_at(hourly(14), split=rule(14)))
    times = rows_at(hourly(14)).frame[EVENT_TIME]
    assert times[first.rows].max() == first.end == second.start
    assert times[second.rows].min() > second.start


def test_a_period_that_tells_nothing_is_left_out():
    busy = [time for time in hourly(21) if not AS_OF - 14 * DAY < time <= AS_OF - 7 * DAY]
    few = [AS_OF - 10 * DAY] * 20
    found = stretches(rows_at(sorted([*busy, *few])))
    assert [period.end for period in found] == [AS_OF - 14 * DAY, AS_OF]


def test_without_roll_or_without_times_there_are_no_periods():
    assert stretches(rows_at(hourly(21), split=rule(21, roll=None))) == []
    rows = rows_at(hourly(21))
    assert stretches(replace(rows, frame=rows.frame.drop(columns=EVENT_TIME))) == []


@given(st.integers(1, 60), st.integers(1, 60))
def test_no_period_is_longer_than_asked_for(test, roll):
    found = stretches(rows_at(hourly(test), split=rule(test, roll=roll)))
    assert all(period.end - period.start <= roll * DAY for period in found)
    assert {period.end - period.start for period in found[1:]} <= {roll * DAY}


def test_each_model_is_told_apart_from_one_period_to_the_next():
    """A model that ages is right in the first period and a coin's toss in the last."""
    times = hourly(21)
    chance = np.random.default_rng(3)
    labels = chance.integers(0, 2, len(times)).astype(float)
    fades = np.linspace(0.05, 5, len(times))
    answers = 1 / (1 + np.exp(-(labels - 0.5 + fades * chance.normal(size=len(times)))))
    models = [
        Contender("candidate", "candidate", answers[:, None]),
        Contender("champion", "champion", labels[:, None], fair=np.arange(200, len(times))),
    ]
    found = hold(BINARY, rows_at(times, labels), models, seed=1).periods
    assert [period.rows for period in found] == [168, 168, 168]
    assert [sorted(period.scores) for period in found] == [
        ["candidate"],
        ["candidate", "champion"],
        ["candidate", "champion"],
    ], "the champion was trained on the first"
    scores = [period.scores["candidate"] for period in found]
    assert scores[0].value > scores[1].value > scores[2].value
    assert all(score.low <= score.value <= score.high for score in scores)
    by_hand = [labels[:168].mean(), labels[168:336].mean(), labels[336:].mean()]
    assert [period.mean_label for period in found] == pytest.approx(by_hand)
    assert pd.Timestamp(found[-1].end) == AS_OF
