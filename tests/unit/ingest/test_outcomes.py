"""A run sees no outcome before it became known, whatever the source holds by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from timed_sources import DAY, HOUR, NAMES, SOURCES, START, declared, event, write

from millrace.ingest import ingest, read_snapshot
from millrace.storage import Store
from millrace.validation import validate
from millrace.workload import Workload

AS_OF = START + 5 * DAY


def seen(workload: Workload, store: Store, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of a snapshot by their id."""
    snapshot = ingest(workload, store, as_of=AS_OF)
    records = read_snapshot(store.fetch(snapshot.key, folder / "fetched"))[1]
    return {row["id"]: row for row in records.to_pylist()}


@pytest.mark.parametrize("kind", SOURCES)
def test_what_became_known_after_the_run_is_missing(
    tmp_path: Path, store: Store, kind: str
) -> None:
    at = AS_OF - DAY
    rows = [
        event("then", at, AS_OF),
        event("later", at, AS_OF + HOUR / 3600),
        event("never", at, None),
    ]
    found = seen(write(declared(tmp_path, kind), rows), store, tmp_path)
    outcome = {name: [row[n] for n in ("known", "delay", "label")] for name, row in found.items()}
    assert outcome["later"] == outcome["never"] == [None, None, None]
    assert None not in outcome["then"]
    assert None not in [row["at"] for row in found.values()]


@pytest.mark.parametrize("kind", SOURCES)
def test_an_outcome_without_a_time_is_left_for_validation_to_tell(
    tmp_path: Path, store: Store, kind: str
) -> None:
    rows = [event("then", AS_OF - DAY, AS_OF), event("x", AS_OF, None) | {"label": "late"}]
    found = seen(write(declared(tmp_path, kind), rows), store, tmp_path)
    assert (found["x"]["known"], found["x"]["label"]) == (None, "late")


@pytest.mark.parametrize("kind", SOURCES)
def test_columns_that_are_no_outcome_stay(tmp_path: Path, store: Store, kind: str) -> None:
    rows = [event("first", START, START + HOUR), event("later", AS_OF - DAY, AS_OF + HOUR)]
    workload = write(declared(tmp_path, kind, outcome=[]), rows)
    later = seen(workload, store, tmp_path)["later"]
    assert later["label"] is None
    assert str(later["delay"]) == "5"


def test_without_a_time_at_which_labels_become_known_nothing_is_hidden(
    tmp_path: Path, store: Store
) -> None:
    workload = declared(tmp_path, "csv", outcome=[], label_known=None)
    write(workload, [event("later", AS_OF - DAY, AS_OF + HOUR)])
    assert seen(workload, store, tmp_path)["later"]["label"] == "on time"


def test_a_time_that_cannot_be_read_is_left_for_validation_to_tell(
    tmp_path: Path, store: Store
) -> None:
    workload = declared(tmp_path, "csv")
    lines = ["a,2024-01-02,2024-01-03,5,late", "b,2024-01-02,soon,5,late"]
    (workload.folder / "events.csv").write_text("\n".join([",".join(NAMES), *lines]))
    assert seen(workload, store, tmp_path)["b"] == dict(
        zip(NAMES, ["b", "2024-01-02", "soon", "5", "late"], strict=True)
    )
    snapshot = ingest(workload, store, as_of=AS_OF)
    report = validate(
        workload,
        store.fetch(snapshot.key, tmp_path / "fetched"),
        as_of=AS_OF,
        usual_rows=None,
        previous=None,
        accepted=tmp_path / "accepted",
        quarantine=tmp_path / "quarantine",
    )
    assert (report.accepted, report.quarantined) == (1, 1)
    assert [f.column for f in report.findings if f.examples and "soon" in str(f)] == ["known"]


def test_a_source_without_the_column_is_taken_as_it_is(tmp_path: Path, store: Store) -> None:
    workload = declared(tmp_path, "csv")
    (workload.folder / "events.csv").write_text("id,at,delay,label\na,2024-01-02,5,late\n")
    assert seen(workload, store, tmp_path)["a"]["label"] == "late"
