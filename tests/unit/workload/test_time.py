"""A clock that cannot be as it is declared is answered with its place."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from millrace.errors import WorkloadError
from millrace.workload import Workload, load_workload

TRIPS = """\
apiVersion: millrace.dev/v1alpha1
kind: Workload
metadata: {name: trips}
spec:
  source: {kind: csv, path: trips.csv}
  contract:
    columns:
      bus: {type: string}
      left: {type: timestamp}
      arrived: {type: timestamp, nullable: true}
      delay: {type: integer, nullable: true}
      late: {type: boolean, nullable: true}
  entities: [bus]
  features: [bus_delays]
  time: {event: left, label_known: arrived, outcome: [delay], window: 30d, history: 7d}
  target: {column: late, kind: binary, positive: "true"}
  split: {by: time, test: 14d, validation: 7d, roll: 7d}
  training: {module: model:Net}
"""


def declared(folder: Path, old: str = "", new: str = "") -> Workload:
    assert old in TRIPS
    (folder / "workload.yaml").write_text(TRIPS.replace(old, new, 1))
    return load_workload(folder)


def test_a_clock_can_be_declared(tmp_path: Path) -> None:
    time = declared(tmp_path).spec.time
    assert time is not None
    assert time.late == ["arrived", "delay"]
    as_of = datetime.fromisoformat("2024-06-30T00:00:00+00:00")
    days = [time.events_since(as_of), time.features_since(as_of), time.records_since(as_of)]
    assert [(as_of - day) / timedelta(days=1) for day in days if day] == [30, 37, 44]


def test_without_a_window_a_run_looks_back_over_everything(tmp_path: Path) -> None:
    time = declared(tmp_path, ", window: 30d, history: 7d", "").spec.time
    assert time is not None
    as_of = datetime.fromisoformat("2024-06-30T00:00:00+00:00")
    assert (
        time.events_since(as_of) is time.features_since(as_of) is time.records_since(as_of) is None
    )


TIME = "time: {event: left, label_known: arrived, outcome: [delay], window: 30d, history: 7d}"
LATE = "late: {type: boolean, nullable: true}"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("event: left", "event: lefd", "spec.time.event"),
        ("label_known: arrived", "label_known: arived", "spec.time.label_known"),
        ("outcome: [delay]", "outcome: [delai]", "spec.time.outcome[0]"),
        ("event: left", "event: bus", "spec.time.event: 'bus' is not a column of type timestamp"),
        ("label_known: arrived", "label_known: delay", "expected one of left, arrived"),
        ("window: 30d", "window: 0d", "spec.time.window"),
        ("window: 30d", "window: 30", "spec.time.window"),
        ("window: 30d", "window: 36526d", "spec.time.window"),
        ("history: 7d", "history: 99999999999999d", "a duration is a hundred years at most"),
        ("history: 7d", "history: -7d", "spec.time.history"),
        ("window: 30d", "window: 21d", "spec.time.window: is no longer than test and val"),
        ("label_known: arrived, ", "", "outcome needs label_known"),
        ("window: 30d, ", "", "history needs a window"),
        (LATE, "late: {type: boolean}", "spec.contract.columns.late: is missing until"),
        ("delay: {type: integer, nullable: true}", "delay: {type: integer}", "set nullable"),
        ("{type: timestamp, nullable: true}", "{type: timestamp}", "spec.contract.columns.arr"),
        ("roll: 7d", "roll: 15d", "spec.split.roll: is longer than the test window"),
        ("roll: 7d", "roll: 0d", "spec.split"),
        ("test: 14d", "test: 0d", "spec.split.test: no time at all is not enough"),
        ("validation: 7d", "validation: 0h", "spec.split.validation: no time at all is not"),
        ("roll: 7d", "rol: 7d", "did you mean 'roll'?"),
        ("history: 7d", "histroy: 7d", "did you mean 'history'?"),
    ],
)
def test_a_fault_of_the_clock_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    with pytest.raises(WorkloadError) as raised:
        declared(tmp_path, old, new)
    message = str(raised.value)
    assert "\n" not in message
    line = TRIPS[: TRIPS.index(old)].count("\n") + 1
    assert f"workload.yaml:{line}: " in message
    assert told in message


@pytest.mark.parametrize("column", ["left", "arrived", "delay", "late"])
def test_no_request_brings_what_is_known_only_later(tmp_path: Path, column: str) -> None:
    with pytest.raises(WorkloadError, match=r"spec\.request\[0\].*a column that a request can br"):
        declared(tmp_path, "  training:", f"  request: [{column}]\n  training:")


@pytest.mark.parametrize("limits", ["freshness: 1d", "completeness: {gap: 1d}"])
def test_limits_of_time_need_a_clock(tmp_path: Path, limits: str) -> None:
    without = TRIPS.replace(f"  {TIME}\n", "").replace(
        "split: {by: time, test: 14d, validation: 7d, roll: 7d}", "split: {by: hash}"
    )
    (tmp_path / "workload.yaml").write_text(without)
    assert load_workload(tmp_path).spec.time is None
    (tmp_path / "workload.yaml").write_text(
        without.replace("  entities:", f"    {limits}\n  entities:")
    )
    with pytest.raises(WorkloadError, match="need `time`"):
        load_workload(tmp_path)


def test_a_split_by_time_needs_a_clock(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"a split by time.* need `time`"):
        declared(tmp_path, f"  {TIME}\n", "")


def test_a_test_window_as_long_as_its_only_period_is_fine(tmp_path: Path) -> None:
    assert declared(tmp_path, "roll: 7d", "roll: 14d").spec.split.roll == timedelta(days=14)
