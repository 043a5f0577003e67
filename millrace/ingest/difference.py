"""What has changed in a source since an earlier look as of the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

import numpy as np
import pyarrow as pa

from millrace.ingest.content import row_hashes
from millrace.ingest.snapshot import Difference
from millrace.workload import WorkloadSpec

Row = dict[str, object]


def difference(earlier: str, before: pa.Table, now: pa.Table, spec: WorkloadSpec) -> Difference:
    """Return what changed between two snapshots of one window as of one time.

    A record is the same one if the columns that are unique say so, or, where there are none, all
    columns but those that become known with the label.

    Args:
        earlier: digest of the earlier snapshot.
        before: its records.
        now: the records of the later one.
        spec: the workload's specification.
    """
    old, new = _only_in(before, now), _only_in(now, before)
    names = _identity(now.column_names, spec)
    pending: dict[Hashable, list[Row]] = {}
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


def _what_happened(before: Row, now: Row, spec: WorkloadSpec) -> str:
    known = spec.time.label_known if spec.time else None
    if known and before.get(known) in (None, "") and now.get(known) not in (None, ""):
        return "became_known"
    return "corrected"


def _identity(columns: list[str], spec: WorkloadSpec) -> list[str]:
    unique = [name for name, column in spec.contract.columns.items() if column.unique]
    late = spec.late_columns or {spec.target.column}
    return [n for n in columns if n in unique] or [n for n in columns if n not in late]


def _key(row: Row, names: list[str]) -> Hashable:
    return tuple(row.get(name) for name in names)


def _only_in(one: pa.Table, other: pa.Table) -> Iterator[Row]:
    """Yield the records of a table that another does not hold."""
    mine, theirs = _hashes(one), _hashes(other)
    rows = np.flatnonzero(~np.isin(mine, theirs))
    yield from one.take(pa.array(rows)).to_pylist()


def _hashes(table: pa.Table) -> np.ndarray:
    parts = [row_hashes(batch) for batch in table.to_batches()]
    return np.concatenate([np.empty((0, 32), np.uint8), *parts]).view("S32").ravel()
