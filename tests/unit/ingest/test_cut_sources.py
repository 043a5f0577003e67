"""As of a time, a source that goes on is the same as one that was cut then."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timed_sources import DAY, HOUR, START, Row, declared, event, write

from millrace.ingest import ingest
from millrace.settings import Settings
from millrace.storage import open_store

HOURS = st.integers(0, 10 * 24)
EVENTS = st.lists(st.tuples(HOURS, st.none() | st.integers(0, 72), st.integers(-30, 60)))


def cut(rows: list[Row], at: datetime) -> list[Row]:
    """Return a source as it stood at a time."""
    return [
        row
        if row["known"] is not None and row["known"] <= at
        else row | {"known": None, "delay": None, "label": None}
        for row in rows
        if row["at"] <= at
    ]


@pytest.mark.parametrize("kind", ["csv", "sql", "parquet"])
@settings(deadline=None, max_examples=25)
@given(drawn=EVENTS, hour=HOURS, window=st.sampled_from([None, "4d"]))
def test_the_snapshot_as_of_a_time_is_that_of_the_source_cut_then(
    kind: str, drawn: list[tuple[int, int | None, int]], hour: int, window: str | None
) -> None:
    as_of = START + hour * HOUR
    rows = [event("first", as_of - 2 * DAY, None)]  # no source is empty
    for number, (start, wait, delay) in enumerate(drawn):
        at = START + start * HOUR
        rows.append(event(f"e{number}", at, None if wait is None else at + wait * HOUR, delay))
    time = {"window": window, "history": "1d"} if window else {}
    with tempfile.TemporaryDirectory() as name:
        workload = declared(Path(name), kind, **time)
        digests = set()
        for which, source in enumerate([rows, cut(rows, as_of), cut(rows, as_of)[::-1]]):
            store = open_store(Settings(home=Path(name) / f"home{which}"))
            digests.add(ingest(write(workload, source), store, as_of=as_of).manifest.digest)
    assert len(digests) == 1
