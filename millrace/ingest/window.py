"""A time window: which records of a workload with a clock are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from millrace.errors import WorkloadError
from millrace.ingest.reader import Chunk, Window
from millrace.validation.columns import parse_column
from millrace.workload import Workload


def in_utc(time: datetime) -> datetime:
    """Return the time in UTC; one without a time zone is taken as UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def checked_window(workload: Workload, window: Window | None) -> Window | None:
    """Return the window in UTC.

    Raises:
        WorkloadError: the workload has no clock, or the window is empty.
    """
    if window is None:
        return None
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


def within(chunks: Iterator[Chunk], workload: Workload, window: Window | None) -> Iterator[Chunk]:
    """Yield the records whose event time lies in the window.

    One whose time cannot be read stays too: validation puts it into quarantine, where it is seen.
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
