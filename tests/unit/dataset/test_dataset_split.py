"""No row that a model was tested on is ever trained on later, or the other way round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.dataset import SplitRule, assign_parts, trained_on
from millrace.dataset.split import place_of_entities, split_rule
from millrace.workload.split import HashSplit, TimeSplit

START = datetime(2024, 1, 1, tzinfo=UTC)
HASH = SplitRule(by="hash", test=0.2, validation=0.1)
KEYS = st.lists(st.text(max_size=6), max_size=60)
HOURS = st.lists(st.integers(0, 24 * 20), min_size=1, max_size=60)


def frame(*columns: Any, names: str = "kl") -> pd.DataFrame:
    return pd.DataFrame(
        dict(zip(names, columns, strict=False)), columns=list(names[: len(columns)])
    )


def times(hours: list[int]) -> pd.Series:
    return pd.Series(pd.to_datetime([START + timedelta(hours=hour) for hour in hours], utc=True))


def by_time(day: int, test: int = 3, validation: int = 2) -> SplitRule:
    split = TimeSplit(by="time", test=timedelta(days=test), validation=timedelta(days=validation))
    return split_rule(split, START + timedelta(days=day))


@given(KEYS, KEYS)
def test_growing_data_never_moves_an_entity(before: list[str], more: list[str]) -> None:
    first = dict(zip(before, assign_parts(HASH, frame(before)), strict=True))
    everything = [*more, *reversed(before)]
    later = dict(zip(everything, assign_parts(HASH, frame(everything)), strict=True))
    assert {key: later[key] for key in first} == first


@given(KEYS, KEYS)
def test_no_entity_is_trained_on_by_one_run_and_tested_on_by_a_later_one(
    before: list[str], more: list[str]
) -> None:
    trained = {key for key, on in zip(before, trained_on(HASH, frame(before)), strict=True) if on}
    everything = [*before, *more]
    parts = assign_parts(HASH, frame(everything))
    tested = {key for key, part in zip(everything, parts, strict=True) if part == "test"}
    assert not trained & tested


@given(HOURS, st.integers(6, 19), st.integers(0, 10))
def test_no_event_is_trained_on_by_one_run_and_tested_on_by_a_later_one(
    hours: list[int], day: int, days: int
) -> None:
    earlier, later = by_time(day), by_time(day + days)
    keys = frame([str(hour) for hour in hours])
    trained = trained_on(earlier, keys, times(hours))
    tested = assign_parts(later, keys, times(hours)) == "test"
    assert not (trained & tested).any()


@given(st.permutations(range(30)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    keys = [f"key {number}" for number in range(30)]
    for rule in (HASH, by_time(9)):
        parts = assign_parts(rule, frame(keys), times([8 * n for n in range(30)]))
        mixed = assign_parts(rule, frame([keys[n] for n in order]), times([8 * n for n in order]))
        assert mixed.tolist() == [parts[n] for n in order]


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.floats(0.05, 0.6), st.floats(0.05, 0.35))
def test_each_part_gets_its_share_of_entities(seed: int, test: float, validation: float) -> None:
    keys = frame([f"{seed}-{number}" for number in range(3000)])
    parts = assign_parts(SplitRule(by="hash", test=test, validation=validation), keys)
    # Five standard deviations of a binomial share over 3,000 entities.
    assert np.mean(parts == "test") == pytest.approx(test, abs=0.046)
    assert np.mean(parts == "validation") == pytest.approx(validation, abs=0.046)


def test_the_place_of_an_entity_is_the_same_for_ever() -> None:
    # int(sha256(b'millrace-split:["7590-VHVEG"]')[:8 bytes]) / 2**64, and so on.
    expected = [0.5438363703808348, 0.9222377496170333]
    places = place_of_entities(frame(["7590-VHVEG", "5575-GNVDE"]))
    assert places.tolist() == pytest.approx(expected, abs=1e-15)


def test_a_key_means_the_same_as_a_number_and_as_text() -> None:
    numbers = frame(pd.Series([7, -1], dtype="Int64"), ["a", "b"])
    assert (place_of_entities(numbers) == place_of_entities(frame(["7", "-1"], ["a", "b"]))).all()


def test_columns_count_by_name_and_their_borders_matter() -> None:
    one = place_of_entities(frame(["a"], ["bc"]))
    assert one == place_of_entities(frame(["bc"], ["a"], names="lk"))
    assert one != place_of_entities(frame(["ab"], ["c"]))
    assert one != place_of_entities(frame(["bc"], ["a"]))


def test_a_window_includes_its_end_and_not_its_start() -> None:
    rule = by_time(10)
    hours = [0, 5 * 24, 5 * 24 + 1, 7 * 24, 7 * 24 + 1, 10 * 24]
    assert assign_parts(rule, frame(["k"] * 6), times(hours)).tolist() == [
        "train",
        "train",
        "validation",
        "validation",
        "test",
        "test",
    ]
    assert rule.train_until == "2024-01-06T00:00:00+00:00"


def test_event_times_are_compared_as_moments_not_as_clock_times() -> None:
    rule = by_time(10)
    moment = times([7 * 24 + 1]).dt.tz_convert("America/New_York")
    assert assign_parts(rule, frame(["k"]), moment).tolist() == ["test"]


def test_a_split_declares_its_rule() -> None:
    split = HashSplit(by="hash", test=0.3, validation=0.2)
    assert split_rule(split, START) == SplitRule(by="hash", test=0.3, validation=0.2)


def test_a_model_of_another_split_has_trained_on_what_its_own_rule_says() -> None:
    keys = frame([str(number) for number in range(500)])
    narrow, wide = HASH, SplitRule(by="hash", test=0.4, validation=0.1)
    tested_now = assign_parts(wide, keys) == "test"
    seen = trained_on(narrow, keys)
    assert (tested_now & seen).any()
    assert not (seen & (assign_parts(narrow, keys) == "test")).any()
    assert not trained_on(by_time(10), keys, times([24 * 8] * 500)).any()
    assert trained_on(by_time(10), keys, times([24 * 6] * 500)).all()


def test_a_model_split_by_time_may_have_trained_on_all_rows_without_a_time() -> None:
    assert trained_on(by_time(10), frame(["a", "b"])).tolist() == [True, True]
    with pytest.raises(ValueError, match="a split by time needs event times"):
        assign_parts(by_time(10), frame(["a", "b"]))


def test_no_rows_have_no_parts() -> None:
    assert assign_parts(HASH, frame([])).tolist() == []
