"""A window takes the records whose event lies in it, and those whose time cannot be read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from millrace.errors import WorkloadError
from millrace.ingest import ingest, read_snapshot
from millrace.storage import Store
from millrace.workload import Workload

Written = Callable[..., Workload]
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)


def test_the_start_is_in_the_window_and_the_end_is_not(
    csv_workload: Written, store: Store, tmp_path: Path
) -> None:
    workload = csv_workload(
        "id,at\n"
        "before,2023-12-31T23:59:59Z\n"
        "start,2024-01-01T00:00:00Z\n"
        "zone,2024-01-01 00:30\n"  # half an hour before the window, in Berlin
        "last,2024-01-31T23:59:59.999999Z\n"
        "end,2024-02-01T00:00:00Z\n"
        "never,soon\n"
        "blank,\n",
        time="at",
    )
    snapshot = ingest(workload, store, window=(START, END))
    manifest, records, origin = read_snapshot(store.fetch(snapshot.key, tmp_path / "fetched"))
    lines = dict(zip(records["id"].to_pylist(), origin["position"].to_pylist(), strict=True))
    assert lines == {"start": 3, "last": 5, "never": 7, "blank": 8}
    assert manifest.window == (START, END)


def test_a_window_may_be_empty_of_records(csv_workload: Written, store: Store) -> None:
    workload = csv_workload("id,at\na,2020-01-01\n", time="at")
    assert ingest(workload, store, window=(START, END)).manifest.rows == 0


def test_without_its_time_column_everything_is_taken(csv_workload: Written, store: Store) -> None:
    workload = csv_workload("id,when\na,2020-01-01\n", time="at")
    assert ingest(workload, store, window=(START, END)).manifest.rows == 1


def test_a_window_in_another_zone_is_the_same_window(csv_workload: Written, store: Store) -> None:
    workload = csv_workload("id,at\na,2024-01-05\n", time="at")
    zone = timezone(timedelta(hours=5))
    ingest(workload, store, window=(START, END))
    again = ingest(workload, store, window=(START.astimezone(zone), END.replace(tzinfo=None)))
    assert again.is_new is False
    assert again.manifest.window == (START, END)


def test_a_workload_without_a_clock_has_no_windows(csv_workload: Written, store: Store) -> None:
    with pytest.raises(WorkloadError, match=r"workload\.yaml: the workload has no time"):
        ingest(csv_workload("id\na\n"), store, window=(START, END))


def test_a_window_has_a_length(csv_workload: Written, store: Store) -> None:
    with pytest.raises(WorkloadError, match="the time window is empty"):
        ingest(csv_workload("id,at\na,b\n", time="at"), store, window=(END, START))
