"""What is wrong with the times of a batch: too old, older than before, gaps, and unsure ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.durations import duration_text, rounded_text
from millrace.ingest.snapshot import BEGINNING, Window
from millrace.validation.columns import ARROW_TYPES, ParsedColumn
from millrace.validation.faults import EXAMPLES, Places, Rows, examples_of
from millrace.validation.report import Finding
from millrace.workload import WorkloadSpec
from millrace.workload.contract import Column

_GAPS = 5


def unsure_findings(
    records: pa.Table,
    parsed: dict[str, ParsedColumn],
    columns: dict[str, Column],
    accepted: Rows,
    places: Places,
) -> list[Finding]:
    """Return what is told of accepted local times that clocks showed twice, column by column."""
    unsure = {name: accepted[column.twice[accepted]] for name, column in parsed.items()}
    return [
        Finding(
            column=name,
            problem=f"is a local time that the clocks of {columns[name].timezone} showed twice;"
            " the first was taken",
            records=len(rows),
            examples=examples_of(name, rows[:EXAMPLES], records, places),
            remedy="send times with their UTC offset, such as 2024-11-03T01:30:00-04:00",
        )
        for name, rows in unsure.items()
        if len(rows)
    ]


def freshness_findings(
    parsed: dict[str, ParsedColumn], spec: WorkloadSpec, as_of: datetime
) -> list[Finding]:
    """Return a rejection if the newest event that is not of the future is too old."""
    limit = spec.contract.freshness
    if spec.time is None or limit is None or spec.time.event not in parsed:
        return []
    newest = _newest(parsed[spec.time.event].values, as_of)
    if newest is None or newest >= as_of - limit:
        return []
    return [
        Finding(
            column=spec.time.event,
            problem=f"the newest event is of {newest.isoformat()}, "
            f"{rounded_text(as_of - newest, above=limit)} before the as-of time; "
            f"at most {duration_text(limit)} is allowed",
            remedy="check that the source is still fed; spec.contract.freshness is the limit",
            rejects=True,
        )
    ]


def backward_findings(
    parsed: dict[str, ParsedColumn],
    before: dict[str, pa.Array],
    spec: WorkloadSpec,
    window: Window | None,
    as_of: datetime,
) -> list[Finding]:
    """Return a finding if the events end earlier than those of the snapshot before.

    It rejects where the workload says how fresh events must be. A window that ends before the
    newest event of the snapshot before cannot have it, which is no fault.

    Args:
        parsed: the columns of this snapshot.
        before: those of the snapshot before; empty if there is none.
        spec: which column tells when an event was.
        window: the window of this snapshot, in UTC.
        as_of: its as-of time; what is of the future does not count.
    """
    event = spec.time.event if spec.time else ""
    if event not in parsed or event not in before:
        return []
    until = as_of if window is None else min(as_of, window[1] - timedelta(microseconds=1))
    newest, known = _newest(parsed[event].values, as_of), _newest(before[event], as_of)
    if newest is None or known is None or newest >= known or known > until:
        return []
    return [
        Finding(
            column=event,
            problem=f"the newest event is of {newest.isoformat()}, {rounded_text(known - newest)} "
            f"before that of the snapshot before, {known.isoformat()}",
            remedy="check whether the source lost records, or its clock was put back",
            rejects=spec.contract.freshness is not None,
        )
    ]


def gap_findings(accepted: pa.Table, spec: WorkloadSpec, window: Window | None) -> list[Finding]:
    """Return a rejection if there was no event for longer than the contract allows.

    Args:
        accepted: the accepted records, in any order.
        spec: how long there may be none.
        window: the window of the snapshot; from its start to the first event counts as well, if
            somebody asked for it. How far back a run looks by itself is no promise: a source may
            have begun later.
    """
    limit = spec.contract.completeness.gap
    if spec.time is None or limit is None:
        return []
    events = accepted.column(spec.time.event).drop_null()
    if not len(events):
        return []
    times = np.unique(events.cast(pa.int64()).to_numpy())
    if window is not None and window[0] != BEGINNING and spec.time.window is None:
        times = np.concatenate([[_microseconds(window[0])], times])
    gaps = list(_longer_than(times, limit))
    if not gaps:
        return []
    told = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_GAPS])
    more = f", and {len(gaps) - _GAPS} times more" if len(gaps) > _GAPS else ""
    return [
        Finding(
            column=spec.time.event,
            problem=f"there is no event {', '.join(map(_told, told))}{more};"
            f" at most {duration_text(limit)} without any is allowed",
            remedy="bring the missing records; spec.contract.completeness.gap is the limit",
            rejects=True,
        )
    ]


def _longer_than(
    times: npt.NDArray[np.int64], limit: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    for number in np.flatnonzero(np.diff(times) > limit // timedelta(microseconds=1)):
        yield _moment(times[number]), _moment(times[number + 1])


def _told(gap: tuple[datetime, datetime]) -> str:
    start, end = (moment.isoformat(timespec="seconds") for moment in gap)
    return f"from {start} to {end}"


def _newest(events: pa.Array, as_of: datetime) -> datetime | None:
    """Return the newest event that is not of the future."""
    now = pa.scalar(as_of, ARROW_TYPES["timestamp"])
    newest: datetime | None = pc.max(events.filter(pc.less_equal(events, now))).as_py()
    return newest


def _microseconds(moment: datetime) -> int:
    return int(pa.scalar(moment, ARROW_TYPES["timestamp"]).value)


def _moment(microseconds: np.int64) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(microseconds))
