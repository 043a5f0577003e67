"""What is wrong with a batch as a whole, so that none of it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from millrace.validation.columns import ParsedColumn
from millrace.validation.faults import Fault, Places, Rows, broken_rows, commonest, raw_texts
from millrace.validation.report import Finding
from millrace.validation.values import EXPECTED
from millrace.workload.contract import Column

_CHANGED = 0.9
"""Share of a column's values that must be unreadable before its type counts as changed."""


def column_findings(
    records: pa.Table,
    parsed: dict[str, ParsedColumn],
    columns: dict[str, Column],
    places: Places,
    late: set[str],
) -> list[Finding]:
    """Return a rejection for each column without any value, and each whose type has changed.

    Args:
        records: the raw records.
        parsed: their columns in the contract's types.
        columns: what is expected.
        places: where each record came from.
        late: columns that are missing until the label is known, so perhaps in every record.
    """
    findings = []
    for name, column in parsed.items():
        unreadable = column.failed & ~column.never
        failed, missing = int(unreadable.sum()), int(column.missing.sum())
        if missing == len(column.values) > 0 and name not in late:
            findings.append(_all_missing(name, columns[name].nullable, missing))
        elif failed and failed >= _CHANGED * (len(column.values) - missing):
            raw = records.column(name)
            kind = "text" if pa.types.is_string(raw.type) else str(raw.type)
            row = int(np.flatnonzero(unreadable)[0])
            found = f"{kind} such as {raw_texts(raw, [row])[0]!r} in {places.in_source(row)}"
            findings.append(_type_changed(name, columns[name].type, found, failed))
    return findings


def _all_missing(name: str, nullable: bool, records: int) -> Finding:
    problem = f"the column {name!r} has no value in any record"
    if nullable:
        problem += ", though single values may be missing"
    return Finding(
        column=name,
        problem=problem,
        records=records,
        remedy=f"check at the source why {name!r} is no longer filled",
        rejects=True,
    )


def _type_changed(name: str, expected: str, found: str, records: int) -> Finding:
    return Finding(
        column=name,
        problem=f"the column {name!r}: expected {EXPECTED[expected]}, found {found}:"
        " the type has changed",
        records=records,
        remedy=f"bring the type back at the source, or change that of {name!r} in workload.yaml",
        rejects=True,
    )


def share_findings(
    faults: list[Fault],
    explained: set[str | None],
    records: pa.Table,
    places: Places,
    limit: float,
) -> list[Finding]:
    """Return a rejection if too many records are in quarantine; copies of others count neither way.

    Args:
        faults: what is wrong with records.
        explained: columns that reject the batch by themselves: their records are not told twice.
        records: the raw records.
        places: where each came from.
        limit: greatest share of them.
    """
    copies = broken_rows([fault for fault in faults if fault.copies])
    others = list(_without(copies, faults, explained))
    broken, originals = len(broken_rows(others)), records.num_rows - len(copies)
    if broken <= limit * originals:
        return []
    of = "records, copies aside," if len(copies) else "records"
    return [
        Finding(
            problem=f"{broken} of {originals} {of} ({broken / originals:.1%}) are in quarantine, "
            f"more than {limit:.1%}: {commonest(others, records, places)}",
            records=broken,
            remedy="mend them at the source; spec.contract.limits.quarantined is the limit",
            rejects=True,
        )
    ]


def _without(copies: Rows, faults: list[Fault], explained: set[str | None]) -> Iterator[Fault]:
    """Yield what is wrong with records that are no copies, in columns that are not explained."""
    for fault in faults:
        rows = np.setdiff1d(fault.rows, copies, assume_unique=True)
        if len(rows) and (fault.column is None or fault.column not in explained):
            yield replace(fault, rows=rows)


def volume_findings(parsed: int, usual_rows: int | None, share: float) -> list[Finding]:
    """Return a rejection if there are no records, or far fewer than usual."""
    if parsed == 0:
        remedy = "check that the source has records of this time; --as-of asks for another"
        return [Finding(problem="there are no records", remedy=remedy, rejects=True)]
    if usual_rows is None or parsed >= share * usual_rows:
        return []
    return [
        Finding(
            problem=f"there are {parsed} records, fewer than {share:.0%} of the usual {usual_rows}",
            records=parsed,
            remedy="check that the source is whole; spec.contract.completeness.rows is the limit",
            rejects=True,
        )
    ]
