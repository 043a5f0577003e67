"""What has changed in a source since an earlier look as of the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from millrace.ingest.content import row_hashes
from millrace.ingest.snapshot import Difference
from millrace.validation.columns import parse_column
from millrace.workload import WorkloadSpec

Row = dict[str, object]


def difference(
    earlier: str, before: pa.Table, now: pa.Table, spec: WorkloadSpec, as_of: datetime
) -> Difference:
    """Return what changed between two snapshots of one window as of one time.

    A record is the same one if the columns that are unique say so, or, where there are none, all
    columns but those that become known with the label. A copy that came or went counts as well.
    Events of the future, which only a run as of now sees, do not.

    Args:
        earlier: digest of the earlier snapshot.
        before: its records.
        now: the records of the later one.
        spec: the workload's specification.
        as_of: as of when both were taken, in UTC.
    """
    before, now = (_happened(records, spec, as_of) for records in (before, now))
    old, new = _only_in(before, now), _only_in(now, before)
    names = _identity(now.column_names, spec)
    pending: dict[str, list[Row]] = {}
    for row in old:
        pending.setdefault(_key(row, names), []).append(row)
    counts: Counter[str] = Counter()
    for row in new:
        same = pending.get(_key(row, names))
        counts[_what_happened(same.pop(), row, spec) if same else "added"] += 1
    return Difference(
        earlier=earlier,
        added=counts["added"],
        gone=sum(map(len, pending.values())),
        became_known=counts["became_known"],
        corrected=counts["corrected"],
    )


def _happened(records: pa.Table, spec: WorkloadSpec, as_of: datetime) -> pa.Table:
    """Return the records whose event is not known to be of the future."""
    if spec.time is None or spec.time.event not in records.column_names:
        return records
    column = spec.contract.columns[spec.time.event]
    events = parse_column(records.column(spec.time.event), column).values
    until = pa.scalar(as_of, pa.timestamp("us", "UTC"))
    return records.filter(pc.fill_null(pc.less_equal(events, until), True))


def _what_happened(before: Row, now: Row, spec: WorkloadSpec) -> str:
    known = spec.time.label_known if spec.time else None
    if known and before.get(known) in (None, "") and now.get(known) not in (None, ""):
        return "became_known"
    return "corrected"


def _identity(columns: list[str], spec: WorkloadSpec) -> list[str]:
    unique = [name for name, column in spec.contract.columns.items() if column.unique]
    late = spec.late_columns or {spec.target.column}
    return [n for n in columns if n in unique] or [n for n in columns if n not in late]


def _key(row: Row, names: list[str]) -> str:
    """Return what tells a record from others; as text, so that NaN equals NaN."""
    return repr([row.get(name) for name in names])


def _only_in(one: pa.Table, other: pa.Table) -> Iterator[Row]:
    """Yield the records of a table that another does not hold, or not as often."""
    spare = Counter(_hashes(other))
    rows = []
    for row, digest in enumerate(_hashes(one)):
        if spare[digest]:
            spare[digest] -= 1
        else:
            rows.append(row)
    yield from one.take(pa.array(rows, pa.int64())).to_pylist()


def _hashes(table: pa.Table) -> Iterator[bytes]:
    for batch in table.to_batches():
        yield from map(bytes, row_hashes(batch))
