"""Each type of the contract reads what is meant, and nothing else."""

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.validation.columns import ARROW_TYPES, parse_column
from millrace.validation.values import read_value
from millrace.workload.contract import Column

UNREADABLE = "unreadable"
CASES: dict[str, list[tuple[object, object]]] = {
    "integer": [
        ("7", 7),
        (" -7 ", -7),
        ("+7", 7),
        ("007", 7),
        ("12.0", 12),
        ("9007199254740993", 9007199254740993),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", UNREADABLE),
        ("9" * 5000, UNREADABLE),
        ("12.5", UNREADABLE),
        ("1e3", UNREADABLE),
        ("1_000", UNREADABLE),
        ("1,000", UNREADABLE),
        ("٣", UNREADABLE),
        ("abc", UNREADABLE),
        ("", None),
        (" \t", None),
        (7, 7),
        (7.0, 7),
        (7.5, UNREADABLE),
        (math.nan, None),
        (math.inf, UNREADABLE),
        (2**63, UNREADABLE),
        (Decimal("7.00"), 7),
        (True, UNREADABLE),
        (b"7", UNREADABLE),
    ],
    "number": [
        ("1.5", 1.5),
        (" -.5", -0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("+1E-2", 0.01),
        ("inf", UNREADABLE),
        ("-Infinity", UNREADABLE),
        ("nan", UNREADABLE),
        ("1e999", UNREADABLE),
        ("1_0", UNREADABLE),
        ("1,5", UNREADABLE),
        ("0x10", UNREADABLE),
        ("١", UNREADABLE),
        ("", None),
        (1, 1.0),
        (1.5, 1.5),
        (math.nan, None),
        (math.inf, UNREADABLE),
        (10**400, UNREADABLE),
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), None),
        (False, UNREADABLE),
        (date(2024, 1, 1), UNREADABLE),
    ],
    "boolean": [
        ("TRUE", True),
        ("yes", True),
        ("1", True),
        ("False", False),
        (" No ", False),
        ("0", False),
        ("y", UNREADABLE),
        ("2", UNREADABLE),
        ("", None),
        (True, True),
        (0, False),
        (2, UNREADABLE),
        (1.0, UNREADABLE),
    ],
    "string": [
        (" a b ", "a b"),
        ("\u2003a", "a"),
        ("nan", "nan"),
        ("  ", None),
        (7, "7"),
        (True, UNREADABLE),
        (1.5, UNREADABLE),
        ([1], UNREADABLE),
    ],
    "category": [("Yes", "Yes"), (" Yes", "Yes"), (1, "1"), (b"Yes", UNREADABLE)],
    "timestamp": [
        ("2024-01-01", "2024-01-01T05:00:00"),
        ("2024-01-01T12:00", "2024-01-01T17:00:00"),
        ("2024-07-01 12:00:00", "2024-07-01T16:00:00"),
        ("2024-01-01T12:00:00Z", "2024-01-01T12:00:00"),
        ("2024-01-01 12:00:00.5 +02:00", "2024-01-01T10:00:00.500000"),
        ("2024-01-01T12:00:00,25-0130", "2024-01-01T13:30:00.250000"),
        ("20240101T120000Z", "2024-01-01T12:00:00"),
        ("20240101", "2024-01-01T05:00:00"),
        ("2024-11-03 01:30", "2024-11-03T05:30:00"),  # twice in New York: the first
        ("2024-02-30", UNREADABLE),
        ("2024-01-01T25:00", UNREADABLE),
        ("01/02/2024", UNREADABLE),
        ("2024-01-01x12:00", UNREADABLE),
        ("2024-W01-1", UNREADABLE),
        ("1704067200", UNREADABLE),
        ("today", UNREADABLE),
        ("", None),
        (datetime(2024, 1, 1, 12), "2024-01-01T17:00:00"),
        (datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=1))), "2024-01-01T11:00:00"),
        (date(2024, 1, 1), "2024-01-01T05:00:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00"),
        (time(12), UNREADABLE),
        (1704067200, UNREADABLE),
    ],
}


def column(kind: str) -> Column:
    return Column.model_validate({"type": kind, "timezone": "America/New_York"})


def read(value: object, kind: str) -> object:
    try:
        return read_value(value, column(kind))
    except (ValueError, OverflowError):
        return UNREADABLE


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [(kind, value, expected) for kind, cases in CASES.items() for value, expected in cases],
    ids=lambda part: repr(part)[:30],
)
def test_a_value_is_read_as_its_type_or_not_at_all(kind: str, value: object, expected: Any) -> None:
    if kind == "timestamp" and expected not in (None, UNREADABLE):
        moment = datetime.fromisoformat(expected).replace(tzinfo=UTC)
        expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    found = read(value, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_the_texts_above_make_a_column(kind: str) -> None:
    check_column(pa.array([value for value, _ in CASES[kind] if isinstance(value, str)]), kind)


LIKE_VALUES = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.from_regex(r"\A[ ]?[+-]?[0-9]{0,25}\.?[0-9]{0,20}(e[+-]?[0-9]{1,3})?[ \n]?\Z"),
    st.sampled_from(["yes", "No", "2024-01-01", "2024-01-01T00:00:00Z", "inf", "nan", "-0"]),
)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(LIKE_VALUES, max_size=6), kind=st.sampled_from(sorted(CASES)))
def test_a_column_of_text_is_read_as_its_values_are(texts: list[str | None], kind: str) -> None:
    check_column(pa.array(texts, pa.string()), kind)


@settings(max_examples=100, deadline=None)
@given(
    array=st.one_of(
        st.lists(st.none() | st.floats(), max_size=5).map(lambda v: pa.array(v, pa.float64())),
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=5).map(
            lambda v: pa.array(v, pa.int64())
        ),
        st.lists(st.none() | st.integers(0, 2**64 - 1), max_size=5).map(
            lambda v: pa.array(v, pa.uint64())
        ),
        st.lists(st.none() | st.booleans(), max_size=5).map(lambda v: pa.array(v, pa.bool_())),
        st.lists(st.none() | st.dates(), max_size=5).map(lambda v: pa.array(v, pa.date32())),
        st.lists(st.none() | st.datetimes(), max_size=5).map(
            lambda v: pa.array(v, pa.timestamp("us"))
        ),
        st.lists(st.none() | st.lists(st.integers(0, 3)), max_size=5).map(
            lambda v: pa.array(v, pa.list_(pa.int64()))
        ),
    ),
    kind=st.sampled_from(sorted(CASES)),
)
def test_a_native_column_is_read_as_its_values_are(array: pa.Array, kind: str) -> None:
    check_column(array, kind)


def check_column(array: pa.Array, kind: str) -> None:
    """Compare the column, which Arrow reads where it can, to its values one by one."""
    parsed = parse_column(array, column(kind))
    expected = [None if v is None else read(v, kind) for v in array.to_pylist()]
    assert parsed.failed.tolist() == [value == UNREADABLE for value in expected]
    assert parsed.missing.tolist() == [value is None for value in expected]
    values = [None if value == UNREADABLE else value for value in expected]
    assert parsed.values.equals(pa.array(values, ARROW_TYPES[kind]))


def test_times_beyond_what_python_knows_are_unreadable() -> None:
    far = pa.array([2**40, 0, None], pa.timestamp("s"))
    parsed = parse_column(far, column("timestamp"))
    assert parsed.failed.tolist() == [True, False, False]
    assert parsed.values.null_count == 2


def test_nanoseconds_become_microseconds() -> None:
    array = pa.array([1_500, -1_500], pa.timestamp("ns", "UTC"))
    parsed = parse_column(array, column("timestamp"))
    assert parsed.values.cast(pa.int64()).to_pylist() == [1, -1]
