"""Features over trailing windows: what pandas computes row by row, whatever came before."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.errors import FeatureError
from millrace.features import trailing
from millrace.features.windows import looking_back

START = pd.Timestamp("2024-03-01", tz="UTC")
NEXT = pd.Timedelta(microseconds=1)
HOURS = st.integers(0, 200)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.integers(1, 2),
        st.one_of(st.none(), HOURS),
        st.one_of(st.none(), st.integers(-50, 50).map(lambda n: n / 4)),
        st.one_of(st.none(), st.booleans()),
    ),
    max_size=40,
)


def frame(events: list[tuple[object, ...]]) -> pd.DataFrame:
    columns = list(zip(*events, strict=True)) if events else [[], [], [], [], []]
    hours = [None if hour is None else START + pd.Timedelta(hours=hour) for hour in columns[2]]
    return pd.DataFrame(
        {
            "shop": pd.Series(columns[0], dtype=object),
            "till": pd.Series(columns[1], dtype="Int64"),
            "known": pd.to_datetime(pd.Series(hours, dtype=object), utc=True),
            "amount": pd.Series(columns[3], dtype="float64"),
            "late": pd.Series(columns[4], dtype="boolean"),
        }
    )


def computed(records: pd.DataFrame) -> pd.DataFrame:
    return trailing(
        records,
        keys=["shop", "till"],
        at="known",
        visits=("amount", "count", "12h"),
        spent=("amount", "sum", "2d"),
        lateness=("late", "mean", "3h"),
    )


def by_hand(records: pd.DataFrame) -> list[tuple[object, ...]]:
    rows = []
    known = records[records[["shop", "till", "known"]].notna().all(axis=1)]
    changes = {
        (shop, till, time + pd.Timedelta(hours=hours))
        for shop, till, time in known[["shop", "till", "known"]].itertuples(index=False)
        for hours in (0, 3, 12, 48)
    }
    for shop, till, time in sorted(changes):
        mine = known[(known.shop == shop) & (known.till == till) & (known.known <= time)]

        def last(column: str, hours: int, mine=mine, time=time) -> list[float]:
            held = mine[mine.known > time - pd.Timedelta(hours=hours)][column]
            return [float(value) for value in held if not pd.isna(value)]

        amounts, lates = last("amount", 48), last("late", 3)
        rows.append(
            (
                *(shop, int(till), time + NEXT, len(last("amount", 12))),
                sum(amounts) if amounts else None,
                sum(lates) / len(lates) if lates else None,
            )
        )
    return rows


def as_rows(found: pd.DataFrame) -> list[tuple[object, ...]]:
    plain = found.astype(object).where(found.notna(), None)
    return sorted(tuple(row) for row in plain.itertuples(index=False))


@settings(deadline=None)
@given(EVENTS)
def test_a_window_holds_what_became_known_within_it(events: list[tuple[object, ...]]) -> None:
    records = frame(events)
    assert as_rows(computed(records)) == by_hand(records)


@settings(deadline=None)
@given(EVENTS, st.randoms())
def test_the_order_of_the_records_changes_nothing(events: list, random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert as_rows(computed(frame(shuffled))) == as_rows(computed(frame(events)))


@settings(deadline=None)
@given(EVENTS, HOURS)
def test_what_becomes_known_later_changes_nothing_before(events: list, hour: int) -> None:
    moment = START + pd.Timedelta(hours=hour)
    cut = [event for event in events if event[2] is None or event[2] <= hour]
    whole, short = (computed(frame(taken)) for taken in (events, cut))
    before, known = (rows[rows["event_timestamp"] <= moment] for rows in (whole, short))
    assert as_rows(before) == as_rows(known)


def test_a_value_holds_only_until_it_has_left_its_window() -> None:
    found = computed(frame([("a", 1, 0, 5.0, True)]))
    times = list(found["event_timestamp"] - NEXT - START)
    assert times == [pd.Timedelta(hours=hours) for hours in (0, 3, 12, 48)]
    assert list(found["visits"]) == [1, 1, 0, 0]
    assert list(found["spent"].fillna(-1)) == [5.0, 5.0, 5.0, -1]
    assert list(found["lateness"].fillna(-1)) == [1.0, -1, -1, -1]


def test_an_event_whose_outcome_is_known_at_once_does_not_know_it_itself() -> None:
    found = computed(frame([("a", 1, 7, 5.0, True)]))
    assert (found["event_timestamp"] > START + pd.Timedelta(hours=7)).all()


def test_a_window_longer_than_records_were_read_is_told() -> None:
    with looking_back(timedelta(hours=12)), pytest.raises(FeatureError, match="a window of 2d is"):
        computed(frame([("a", 1, 3, 1.0, True)]))
    with looking_back(timedelta(days=2)):
        computed(frame([("a", 1, 3, 1.0, True)]))


def test_sums_of_decimals_do_not_depend_on_what_came_before_the_window() -> None:
    days = pd.date_range(START, periods=400, freq="D")
    values = np.random.default_rng(3).normal(size=400) * 1e3
    records = pd.DataFrame({"shop": "a", "known": days, "amount": values})
    sums = {"spent": ("amount", "sum", "7d"), "mean": ("amount", "mean", "30d")}
    whole = trailing(records, keys=["shop"], at="known", **sums)
    late = trailing(records.iloc[300:], keys=["shop"], at="known", **sums)
    settled = days[330]
    pd.testing.assert_frame_equal(
        *(rows[rows["event_timestamp"] > settled].reset_index(drop=True) for rows in (whole, late))
    )
    week = records.rolling("7d", on="known")["amount"].sum()
    held = whole[whole["event_timestamp"].isin(days + NEXT)]
    np.testing.assert_allclose(held["spent"], week, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"keys": ["shp"]}, "no column 'shp'"),
        ({"at": "amount"}, "'amount' holds no times"),
        ({"n": ("shop", "mean", "3h")}, "'shop' holds no numbers"),
        ({"n": ("amount", "median", "3h")}, "'median'; expected count, sum or mean"),
        ({"n": ("amount", "mean", "3 cows")}, "'3 cows'; expected a duration"),
        ({"n": ("amount", "mean", "-3h")}, "'-3h'; expected a duration"),
        ({"n": ("nothing", "mean", "3h")}, "no column 'nothing'"),
    ],
)
def test_what_cannot_be_computed_is_told(changes: dict[str, object], told: str) -> None:
    asked = {"keys": ["shop"], "at": "known", "n": ("amount", "mean", "3h"), **changes}
    with pytest.raises(FeatureError, match=told.replace("(", r"\(")):
        trailing(frame([("a", 1, 3, 1.0, True)]), **asked)  # type: ignore[arg-type]


def test_values_too_large_to_be_added_up_are_told() -> None:
    records = frame([("a", 1, 3, 1.0, True)]).assign(amount=1e300)
    with pytest.raises(FeatureError, match="too large to be added up"):
        computed(records)
