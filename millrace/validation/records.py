"""What is wrong with single records: unreadable values, breaches, copies, impossible times."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.ingest.content import row_hashes
from millrace.validation.columns import ParsedColumn
from millrace.validation.faults import Fault, Places, Rows
from millrace.validation.outcomes import outcome_faults
from millrace.validation.schema import schema_faults
from millrace.validation.values import EXPECTED
from millrace.workload import WorkloadSpec
from millrace.workload.contract import Column


def record_faults(
    records: pa.Table,
    parsed: dict[str, ParsedColumn],
    spec: WorkloadSpec,
    places: Places,
    as_of: datetime,
) -> list[Fault]:
    """Return all faults of single records, in an order that depends on the contract alone."""
    columns = spec.contract.columns
    originals = _first_of_copies(records)
    copies = _copies(originals, places)
    first = np.flatnonzero(originals == np.arange(records.num_rows))
    faults = [
        *_absent(columns, records),
        *_unreadable(parsed, columns),
        *_never(parsed, columns),
        *schema_faults(parsed, columns, first),
        *_of_the_future(parsed, spec, as_of),
        *outcome_faults(parsed, spec),
        *copies,
    ]
    if spec.time is None or spec.time.event not in parsed:
        return faults
    events = parsed[spec.time.event].values
    return [replace(fault, when=_when(events, fault.rows)) for fault in faults]


def _absent(columns: dict[str, Column], records: pa.Table) -> list[Fault]:
    every = np.arange(records.num_rows)
    return [
        Fault(name, "is a column that the source has not", "", every)
        for name in columns
        if name not in records.column_names
    ]


def _unreadable(parsed: dict[str, ParsedColumn], columns: dict[str, Column]) -> list[Fault]:
    return [
        Fault(
            name,
            f"is not {EXPECTED[columns[name].type]}",
            "mend the values at the source, or the type in spec.contract.columns",
            np.flatnonzero(column.failed & ~column.never),
        )
        for name, column in parsed.items()
        if (column.failed & ~column.never).any()
    ]


def _never(parsed: dict[str, ParsedColumn], columns: dict[str, Column]) -> list[Fault]:
    return [
        Fault(
            name,
            f"is a local time that the clocks of {columns[name].timezone} never showed",
            "send times with their UTC offset, or mend the timezone in spec.contract.columns",
            np.flatnonzero(column.never),
        )
        for name, column in parsed.items()
        if column.never.any()
    ]


def _first_of_copies(records: pa.Table) -> Rows:
    """Return for each record the row of the first that equals it in every column, or its own."""
    hashes = [row_hashes(batch) for batch in records.to_batches()]
    if not hashes:
        return np.empty(0, np.int64)
    names = np.concatenate(hashes).view("V32").ravel()
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    return first[number].astype(np.int64)


def _copies(originals: Rows, places: Places) -> list[Fault]:
    rows = np.flatnonzero(originals != np.arange(len(originals)))
    if not len(rows):
        return []
    each = [f"is a copy of {places[int(originals[row])]}" for row in rows]
    remedy = "deliver each record once; the first was taken"
    return [Fault(None, "is a copy of another record", remedy, rows, each, copies=True)]


def _of_the_future(
    parsed: dict[str, ParsedColumn], spec: WorkloadSpec, as_of: datetime
) -> list[Fault]:
    if spec.time is None or spec.time.event not in parsed:
        return []
    now = pa.scalar(as_of, pa.timestamp("us", "UTC"))
    later = pc.fill_null(pc.greater(parsed[spec.time.event].values, now), False)
    rows = np.flatnonzero(later.to_numpy(zero_copy_only=False))
    if not len(rows):
        return []
    reason = f"is after the as-of time {as_of.isoformat()}"
    return [Fault(spec.time.event, reason, "check the clock and time zone of the source", rows)]


def _when(events: pa.Array, rows: Rows) -> str:
    """Return from when to when the events of some records were; nothing for a single one."""
    span = pc.min_max(events.take(pa.array(rows)).cast(pa.int64()))
    low, high = (pa.scalar(span[end].as_py(), events.type) for end in ("min", "max"))
    if len(rows) < 2 or not low.is_valid:
        return ""
    return f"of events from {_iso(low)} to {_iso(high)}"


def _iso(moment: pa.Scalar) -> str:
    return str(moment.as_py().isoformat())
