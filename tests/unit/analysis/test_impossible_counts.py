"""Counts that cannot be are refused, with the interval that holds them."""

from dataclasses import replace

import pytest
from canary_worlds import LIMITS, arm, intervals
from hypothesis import given
from hypothesis import strategies as st

from millrace.analysis import ArmCounts, Interval, judge
from millrace.errors import AnalysisError

GOOD = intervals(3)


def spoil(index: int, **changes) -> list[Interval]:
    return [replace(i, **changes) if k == index else i for k, i in enumerate(GOOD)]


@pytest.mark.parametrize(
    ("changes", "place", "problem"),
    [
        ({"weight": 0.0}, "interval 1 (60.000 to 120.000)", "weight"),
        ({"weight": 1.01}, "interval 1", "weight"),
        ({"weight": float("nan")}, "interval 1", "weight"),
        ({"canary": ArmCounts(-1, 0, 0)}, "interval 1 (60.000 to 120.000), canary arm", "fewer"),
        ({"stable": ArmCounts(10, 11, 0)}, "stable arm", "11 of 10"),
        ({"stable": ArmCounts(10, 0, -2)}, "stable arm", "-2 of 10"),
        ({"canary": ArmCounts(10, 0, 11)}, "canary arm", "slow answers"),
        ({"canary": ArmCounts(9, 0, 0, (1, -1, 3, 3))}, "canary arm", "bin"),
        ({"canary": ArmCounts(9, 0, 0, (1, 2, 3))}, "interval 1", "3 bins; expected 4 bins"),
        ({"start": 59.0}, "interval 1", "oldest first"),
        ({"start": float("nan")}, "interval 1", "begins"),
        ({"end": 60.0}, "interval 1", "ends before it begins"),
    ],
)
def test_an_interval_that_cannot_be_is_named(changes: dict, place: str, problem: str) -> None:
    with pytest.raises(AnalysisError) as raised:
        judge(spoil(1, **changes), LIMITS, since=0, last=False)
    assert raised.value.where.startswith("interval 1")
    assert place in raised.value.where
    assert problem in str(raised.value)


def test_intervals_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(AnalysisError, match=r"interval 1.*begins before"):
        judge(list(reversed(GOOD)), LIMITS, since=0, last=False)


def test_an_interval_without_scores_stands_beside_others_with_them() -> None:
    rollout = spoil(1, canary=ArmCounts(500, 0, 0), stable=arm(500))
    assert judge(rollout, LIMITS, since=0, last=False).verdict == "advance"


@pytest.mark.parametrize(
    ("limit", "value"),
    [("alpha", 0.0), ("alpha", 0.6), ("errors", 0.0), ("slow", 1.5), ("score_distance", -0.1)],
)
def test_limits_that_mean_nothing_are_named(limit: str, value: float) -> None:
    with pytest.raises(AnalysisError) as raised:
        judge(GOOD, replace(LIMITS, **{limit: value}), since=0, last=False)
    assert raised.value.where == f"limit {limit}"


COUNTS = st.builds(
    ArmCounts,
    st.integers(-2, 50),
    st.integers(-2, 50),
    st.integers(-2, 50),
    st.lists(st.integers(-1, 9), max_size=3).map(tuple),
)


@given(st.lists(st.tuples(COUNTS, COUNTS, st.floats(-0.1, 1.1)), max_size=5), st.booleans())
def test_any_counts_are_judged_or_refused(rows, last: bool) -> None:
    rollout = [
        Interval(60.0 * t, 60.0 * t + 60, weight, stable, canary)
        for t, (stable, canary, weight) in enumerate(rows)
    ]
    try:
        judgement = judge(rollout, LIMITS, since=0, last=last)
    except AnalysisError as error:
        assert error.where.startswith("interval ")
    else:
        assert judgement.verdict in {"hold", "inconclusive", "roll back"}
