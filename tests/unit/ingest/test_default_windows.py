"""Without a window that is asked for, a run reads as far back as its workload says."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from timed_sources import DAY, HOUR, SOURCES, START, declared, event, write

from millrace.errors import WorkloadError
from millrace.ingest import ingest, read_snapshot
from millrace.ingest.snapshot import BEGINNING, END
from millrace.ingest.window import default_window
from millrace.storage import Store
from millrace.workload import load_workload

AS_OF = START + 10 * DAY
FAR = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
SECOND = DAY / 86400


def taken(folder: Path, store: Store, as_of: datetime | None, kind: str, **time: Any) -> set[str]:
    """Return which of some events are in the snapshot as of a time."""
    moments = {
        "long ago": datetime.fromisoformat("1990-01-01T00:00:00+00:00"),
        "before": AS_OF - 5 * DAY - SECOND,
        "first": AS_OF - 5 * DAY,
        "last": AS_OF,
        "after": AS_OF + SECOND,
        "far": FAR,
    }
    rows = [event(name, at, at + HOUR) for name, at in moments.items()]
    workload = write(declared(folder, kind, **time), rows)
    snapshot = ingest(workload, store, as_of=as_of)
    return set(read_snapshot(store.fetch(snapshot.key, folder / "fetched"))[1]["id"].to_pylist())


@pytest.mark.parametrize("kind", SOURCES)
def test_a_run_reads_its_window_and_twice_the_history_up_to_its_time(
    tmp_path: Path, store: Store, kind: str
) -> None:
    found = taken(tmp_path, store, AS_OF, kind, window="3d", history="1d")
    assert found == {"first", "last"}


@pytest.mark.parametrize("kind", SOURCES)
def test_without_a_window_a_run_for_a_past_time_reads_all_up_to_it(
    tmp_path: Path, store: Store, kind: str
) -> None:
    assert taken(tmp_path, store, AS_OF, kind) == {"long ago", "before", "first", "last"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_without_a_window_a_run_as_of_now_reads_everything(
    tmp_path: Path, store: Store, kind: str
) -> None:
    assert len(taken(tmp_path, store, None, kind)) == 6


@pytest.mark.parametrize("kind", SOURCES)
def test_a_run_as_of_now_sees_events_of_the_future(tmp_path: Path, store: Store, kind: str) -> None:
    assert taken(tmp_path, store, None, kind, window="3d") == {"far"}


def test_the_window_is_told_with_the_snapshot(tmp_path: Path, store: Store) -> None:
    at = AS_OF - DAY
    workload = write(
        declared(tmp_path, "csv", window="3d", history="12h"), [event("a", at, at + HOUR)]
    )
    snapshot = ingest(workload, store, as_of=AS_OF)
    window = snapshot.manifest.window
    assert window is not None
    assert window[0] == AS_OF - 4 * DAY
    assert window[1] > AS_OF >= window[1] - SECOND
    assert not snapshot.asked
    assert snapshot.manifest.period(str).startswith("2024-01-07 00:00:00+00:00 to 2024-01-11")


def test_open_ends_are_told_as_such(tmp_path: Path) -> None:
    windowed, open_one = declared(tmp_path / "a", "csv", window="3d"), declared(tmp_path, "csv")
    assert default_window(windowed, AS_OF, now=True) == (AS_OF - 3 * DAY, END)
    assert default_window(open_one, AS_OF, now=True) is None
    past = default_window(open_one, AS_OF, now=False)
    assert past is not None
    assert past[0] == BEGINNING


def test_a_window_is_refused_where_the_workload_declares_its_own(
    tmp_path: Path, store: Store
) -> None:
    workload = write(declared(tmp_path, "csv", window="3d"), [event("a", START, None)])
    with pytest.raises(WorkloadError) as raised:
        ingest(workload, store, as_of=AS_OF, window=(START, AS_OF))
    message = str(raised.value)
    assert "the workload says itself how far back a run looks" in message
    assert "spec.time.window: 3d" in message
    assert store.names("snapshots/events") == []


@pytest.mark.parametrize(
    ("kind", "also", "found"),
    [
        ("csv", "", {"last", "timeless"}),
        ("sql", "", {"last"}),
        ("sql", " OR at IS NULL", {"last", "timeless"}),
    ],
)
def test_a_record_without_a_time_stays_unless_the_query_itself_drops_it(
    tmp_path: Path, store: Store, kind: str, also: str, found: set[str]
) -> None:
    workload = declared(tmp_path, kind, window="3d")
    file = workload.folder / "workload.yaml"
    file.write_text(file.read_text().replace("at < :end", f"at < :end{also}"))
    rows = [event("last", AS_OF, AS_OF), event("timeless", AS_OF, AS_OF) | {"at": None}]
    snapshot = ingest(write(load_workload(tmp_path), rows), store, as_of=AS_OF)
    records = read_snapshot(store.fetch(snapshot.key, tmp_path / "fetched"))[1]
    assert set(records["id"].to_pylist()) == found
