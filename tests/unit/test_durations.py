"""Durations are written and read the same way, wherever they stand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.durations import read_duration, rounded_text

DAY = timedelta(days=1)
LENGTHS = st.timedeltas(timedelta(microseconds=1), 36_525 * DAY)


@pytest.mark.parametrize(
    ("text", "length"),
    [("50ms", DAY / 1_728_000), ("90s", DAY / 960), ("1.5d", 1.5 * DAY), ("2w", 14 * DAY)],
)
def test_a_duration_is_a_number_with_a_unit(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", " 7d", "7d\n", "7 d", "7D", "1e3s", "1y"])
def test_nothing_else_is_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a number with a unit of ms, s, m, h, d or w"):
        read_duration(text)


@pytest.mark.parametrize(
    ("length", "limit", "text"),
    [
        (DAY + timedelta(minutes=1), DAY, "1.001d"),
        (DAY + timedelta(minutes=1), timedelta(hours=12), "1d"),
        (timedelta(days=2, hours=3, minutes=17, seconds=45), DAY, "2.14d"),
        (1234.56 * DAY, DAY, "1235d"),
        (timedelta(milliseconds=1.5), timedelta(0), "1.5ms"),
    ],
)
def test_a_rounded_duration_is_as_short_as_its_limit_lets_it_be(
    length: timedelta, limit: timedelta, text: str
) -> None:
    assert rounded_text(length, above=limit) == text


@given(LENGTHS, LENGTHS)
def test_a_rounded_duration_never_reads_as_if_it_kept_its_limit(
    limit: timedelta, more: timedelta
) -> None:
    length = min(limit + more, 36_525 * DAY)
    if length > limit:
        read = read_duration(rounded_text(length, above=limit))
        assert read > limit
        assert read == pytest.approx(length, rel=0.01, abs=timedelta(microseconds=1))
