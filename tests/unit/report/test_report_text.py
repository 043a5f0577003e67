"""Numbers, times and names as a person reads them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.evaluation.result import Estimate
from millrace.report import text

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (0.8461, 3, "0.846"),
        (-0.0042, 3, "\N{MINUS SIGN}0.004"),
        (-0.0001, 3, "0.000"),
        (12345.678, 1, "12,345.7"),
        (math.nan, 3, "\N{EN DASH}"),
        (math.inf, 3, "\N{EN DASH}"),
        (None, 3, "\N{EN DASH}"),
    ],
)
def test_a_number_has_a_true_minus_and_no_negative_zero(
    value: float | None, decimals: int, shown: str
) -> None:
    assert text.number(value, decimals) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0042, "+0.004"),
        (-0.0042, "\N{MINUS SIGN}0.004"),
        (0.0001, "0.000"),
        (-0.0001, "0.000"),
        (0.0, "0.000"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_a_difference_has_its_sign_unless_it_is_nothing(value: float, shown: str) -> None:
    assert text.signed(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0 %"),
        (0.0002, "< 0.1 %"),
        (0.0016, "0.2 %"),
        (0.265, "26 %"),
        (0.9984, "99.8 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_never_hides_that_there_is_some(share: float, shown: str) -> None:
    assert text.percent(share) == shown.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1.1e-5, "11 µs"),
        (0.0024, "2.4 ms"),
        (0.1, "0.1 s"),
        (9.96, "10 s"),
        (48.2, "48 s"),
        (59.7, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3840, "1 h 4 min"),
        (48 * 3600 - 60, "47 h 59 min"),
        (1000.3 * 24 * 3600, "1,000 days 7 h"),
        (-1, "\N{EN DASH}"),
        (math.nan, "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_time_span_is_told_in_the_unit_that_suits_it(seconds: float | None, shown: str) -> None:
    assert text.duration(seconds).replace(NBSP, " ") == shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-07-27T03:00:04+00:00", "27 July 2026, 03:00 UTC"),
        ("2026-01-02T03:04:05+02:00", "2 January 2026, 03:04 UTC+02:00"),
        ("2026-01-02T03:04:05", "2 January 2026, 03:04"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_time_is_told_with_its_zone(moment: str, shown: str) -> None:
    assert text.when(moment) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(7, "7 bytes"), (41_203, "41.2 kB"), (5_000_000, "5 MB"), (2e9, "2 GB")]
)
def test_bytes_are_told_in_decimal_units(value: int, shown: str) -> None:
    assert text.size(value).replace(NBSP, " ") == shown


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(0.827, 0.865, 3), (0.61, 0.71, 3), (-0.0003, 0.0008, 4), (2.6, 3.0, 2), (0, 1e-12, 6)],
)
def test_an_interval_decides_how_many_decimals_are_worth_showing(
    low: float, high: float, decimals: int
) -> None:
    assert text.decimals_for([Estimate(value=low, low=low, high=high)]) == decimals


def test_an_interval_without_numbers_does_not_decide_anything() -> None:
    broken = Estimate(value=math.nan, low=math.nan, high=math.nan)

    assert text.decimals_for([broken]) == 3
    assert text.decimals_for([]) == 3


@given(st.text(max_size=300), st.integers(min_value=1, max_value=200))
def test_clipped_text_is_never_longer_than_it_may_be(value: str, limit: int) -> None:
    clipped = text.clip(value, limit)

    assert len(clipped) <= limit
    assert clipped == value or clipped.endswith("\N{HORIZONTAL ELLIPSIS}")


def test_clauses_become_sentences() -> None:
    assert text.sentence("mend the source") == "Mend the source."
    assert text.sentence("Is it fed?") == "Is it fed?"
    assert text.sentence("") == ""


def test_an_unknown_metric_keeps_its_name() -> None:
    assert text.metric_name("mean_absolute_error") == "mean absolute error"
    assert text.metric_meaning("mean_absolute_error") == ""
