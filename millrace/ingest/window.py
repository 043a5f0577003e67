"""A time window: which records of a workload with a clock are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from millrace.durations import duration_text
from millrace.errors import WorkloadError
from millrace.ingest.reader import Chunk
from millrace.ingest.snapshot import BEGINNING, END, Window
from millrace.utc import in_utc
from millrace.validation.columns import parse_column
from millrace.workload import Workload


def checked_window(workload: Workload, window: Window | None) -> Window | None:
    """Return the window in UTC.

    Raises:
        WorkloadError: the workload has no clock, declares its window, or the window is empty.
    """
    if window is None:
        return None
    if workload.spec.time is not None and workload.spec.time.window is not None:
        raise WorkloadError(
            "the workload says itself how far back a run looks",
            where=str(workload.file),
            found=f"spec.time.window: {duration_text(workload.spec.time.window)}",
            remedy="run without a window, as of the time at which it ends",
        )
    if workload.spec.time is None:
        raise WorkloadError(
            "the workload has no time, so no window can be taken of it",
            where=str(workload.file),
            expected="spec.time",
            remedy="declare spec.time, or run without a window",
        )
    start, end = map(in_utc, window)
    if start >= end:
        raise WorkloadError(
            "the time window is empty",
            where=workload.name,
            found=f"{start.isoformat()} to {end.isoformat()}",
            remedy="name a start before the end",
        )
    return start, end


def default_window(workload: Workload, as_of: datetime, *, now: bool) -> Window | None:
    """Return the window that a run reads where none is asked for; None for all there is.

    It reaches back over the window to learn from and twice the history of features: once for the
    first event's features, and once more for the value that held when the window began. It ends
    with the as-of time; that of a run as of now is open, so that events of the future are seen and
    told.

    Args:
        workload: whose source is read.
        as_of: the as-of time, in UTC.
        now: whether the run is as of now.
    """
    time = workload.spec.time
    if time is None or (time.window is None and now):
        return None
    return time.records_since(as_of) or BEGINNING, END if now else as_of + timedelta.resolution


def within(chunks: Iterator[Chunk], workload: Workload, window: Window | None) -> Iterator[Chunk]:
    """Yield the records whose event time lies in the window.

    One whose time cannot be read stays too: validation puts it into quarantine, where it is seen. A
    query that compares the column with `:start` and `:end` does not bring one that is missing, and
    perhaps none that is odd: what a database drops, nobody here can tell of.
    """
    time = workload.spec.time
    if window is None or time is None:
        yield from chunks
        return
    contract = workload.spec.contract.columns[time.event]
    start, end = (pa.scalar(moment, pa.timestamp("us", "UTC")) for moment in window)
    for chunk in chunks:
        names = chunk.records.schema.names
        if time.event not in names:
            yield chunk
            continue
        events = parse_column(chunk.records.column(names.index(time.event)), contract).values
        inside = pc.and_(pc.greater_equal(events, start), pc.less(events, end))
        kept = pc.fill_null(inside, True)
        yield replace(
            chunk, records=chunk.records.filter(kept), positions=chunk.positions.filter(kept)
        )
