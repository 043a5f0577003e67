"""What `--backtest FROM..TO --every 7d` asks for, and what is no sense in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from backtest_worlds import World
from hypothesis import given
from hypothesis import strategies as st

from millrace.backtest import Schedule
from millrace.errors import MillraceError
from millrace.workload import load_workload
from tests.workloads.rentals_data import WORKLOAD


def test_a_model_is_made_at_the_start_and_at_every_step_up_to_the_end() -> None:
    times = Schedule.read("2024-01-01..2024-01-15", "7d").times
    assert times == [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 8, 15)]
    assert Schedule.read("2024-01-01..2024-01-14", "1w").times == times[:2]
    assert Schedule.read("2024-01-01..2024-01-05", "1.5d").every == timedelta(hours=36)
    zoned = Schedule.read("2024-01-01T02:00+02:00..2024-01-01T06:00", "90m").times
    assert [f"{time:%H:%M}" for time in zoned] == ["00:00", "01:30", "03:00", "04:30", "06:00"]


@given(days=st.integers(1, 3000), hours=st.integers(1, 3000))
def test_times_are_evenly_apart_and_never_beyond_the_end(days: int, hours: int) -> None:
    start = datetime(2015, 1, 1, tzinfo=UTC)
    schedule = Schedule(start, start + timedelta(days=days), timedelta(hours=hours))
    times = schedule.times
    assert times[0] == start
    assert schedule.end - timedelta(hours=hours) < times[-1] <= schedule.end
    apart = {later - earlier for earlier, later in pairwise(times)}
    assert apart <= {schedule.every}


@pytest.mark.parametrize(
    ("period", "every", "told"),
    [
        ("", "7d", "--backtest: is no period; found ''; expected FROM..TO"),
        ("2024-01-01", "7d", "--backtest: is no period; found '2024-01-01'"),
        ("2024-01-01..", "7d", "--backtest: is no period"),
        ("..2024-01-01", "7d", "--backtest: is no period"),
        ("2024-02-01..2024-01-01", "7d", "FROM before TO"),
        ("2024-01-01..soon", "7d", "--backtest: is no time; found 'soon'"),
        ("2024-01-01..2999-01-01", "7d", "reaches into the future"),
        ("2024-01-01..2024-02-01", "", "--every: is no time from one model to the next; found ''"),
        ("2024-01-01..2024-02-01", "7", "found '7'"),
        ("2024-01-01..2024-02-01", "0d", "expected 1m or more"),
        ("2024-01-01..2024-02-01", "59.9s", "expected 1m or more"),
        ("2024-01-01..2024-02-01", "-7d", "found '-7d'"),
        ("2024-01-01..2024-02-01", "9" * 5000 + "d", "is no time from one model"),
        ("2024-01-01..2024-02-01", "32d", "--every: there is only one model"),
        ("9000-01-01..9000-02-01", "999999w", "reaches into the future"),
        ("2024-01-01..2024-02-01", "999999w", "a duration is a hundred years at most"),
        ("2024-01-01..2024-02-01", "5000w", "expected at most 31d"),
        ("2024-01-01..2024-02-01", "7 d", "a unit of ms, s, m, h, d or w"),
    ],
)
def test_nonsense_is_answered_in_one_line(period: str, every: str, told: str) -> None:
    with pytest.raises(MillraceError) as raised:
        Schedule.read(period, every)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_workload_without_a_clock_has_no_history() -> None:
    with pytest.raises(MillraceError, match=r"workload\.yaml: the workload has no time"):
        Schedule.read("2024-01-01..2024-02-01", "7d").check(load_workload("workloads/churn"))


def test_no_event_may_fall_between_the_windows_of_two_turns() -> None:
    workload = load_workload(WORKLOAD)
    Schedule.read("2024-01-01..2024-02-01", "12d").check(workload)
    with pytest.raises(MillraceError, match=r"at spec\.time\.window: .*found 12d.*13d or more"):
        Schedule.read("2024-01-01..2024-02-01", "13d").check(workload)
    assert workload.spec.time is not None
    open_ended = workload.spec.time.model_copy(update={"window": None, "history": timedelta(0)})
    spec = workload.spec.model_copy(update={"time": open_ended})
    Schedule.read("2024-01-01..2024-02-01", "13d").check(replace(workload, spec=spec))


def test_a_time_before_all_times_is_a_turn_without_records(tmp_path: Path) -> None:
    turns = World(tmp_path).replay("0001-01-01..0001-01-06")
    assert [turn.reason for turn in turns] == ["the batch is rejected: there are no records"] * 2
