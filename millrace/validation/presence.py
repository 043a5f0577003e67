"""Columns that are missing, renamed or more than the contract names."""

from __future__ import annotations

import difflib
import re

import pyarrow as pa
import pyarrow.compute as pc

from millrace.validation.report import Finding
from millrace.validation.values import EXPECTED
from millrace.workload.contract import Contract

_ALIKE = 0.75
"""Least likeness of two names, as difflib counts it, to take the one for the other."""
_SAME_VALUES = 0.9
"""Least share of distinct values in common to take one column for another."""
_SHOWN = 5
"""Columns that are told where another is missing."""


def presence_findings(
    records: pa.Table, contract: Contract, previous: pa.Table | None, where: str
) -> list[Finding]:
    """Return a finding for each column that is missing, and each that the contract does not name.

    Args:
        records: the raw records.
        contract: what is expected.
        previous: the raw records of the snapshot before, by whose values a renamed column is told.
        where: where the source names its columns, such as `line 1 of data.csv`.
    """
    names = records.column_names
    missing = [name for name in contract.columns if name not in names]
    extra = [name for name in names if name not in contract.columns]
    renamed = _renamed(missing, extra, records, previous)
    unnamed = [name for name in extra if name not in renamed.values()]
    expected = {name: EXPECTED[contract.columns[name].type] for name in missing}
    return [
        *(
            _renamed_to(name, renamed[name], where)
            if name in renamed
            else _missing(name, expected[name], unnamed, where)
            for name in missing
        ),
        *(_extra(name, where, rejects=contract.extra == "reject") for name in unnamed),
    ]


def _renamed(
    missing: list[str], extra: list[str], records: pa.Table, previous: pa.Table | None
) -> dict[str, str]:
    """Return for missing columns the extra one that each probably is now; each is taken once."""
    likeness = [
        (score, name, candidate)
        for name in missing
        for candidate in extra
        if (score := _likeness(name, candidate, records, previous)) > 0
    ]
    renamed: dict[str, str] = {}
    for _, name, candidate in sorted(likeness, key=lambda row: (-row[0], row[1], row[2])):
        if name not in renamed and candidate not in renamed.values():
            renamed[name] = candidate
    return renamed


def _likeness(name: str, candidate: str, records: pa.Table, previous: pa.Table | None) -> float:
    """Return how surely one column is the other: 2 by name, up to 1 by similarity, 0 not at all."""
    if _bare(name) == _bare(candidate):
        return 2.0
    by_name = difflib.SequenceMatcher(None, _bare(name), _bare(candidate)).ratio()
    by_values = 0.0
    if previous is not None and name in previous.column_names:
        by_values = _overlap(previous.column(name), records.column(candidate))
    return max(by_name if by_name >= _ALIKE else 0, by_values if by_values >= _SAME_VALUES else 0)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold() or name


def _overlap(one: pa.ChunkedArray, other: pa.ChunkedArray) -> float:
    """Return the share of distinct values that two columns have in common, 0 to 1."""
    if one.type != other.type or pa.types.is_nested(one.type) or pa.types.is_null(one.type):
        return 0.0
    first, second = pc.unique(one.drop_null()), pc.unique(other.drop_null())
    common = pc.sum(pc.is_in(first, value_set=second)).as_py() or 0
    whole = len(first) + len(second) - common
    return float(common / whole) if whole else 0.0


def _renamed_to(name: str, now: str, where: str) -> Finding:
    return Finding(
        column=name,
        problem=f"the column {name!r} is missing in {where}; found {now!r}, probably renamed",
        remedy=f"rename {now!r} back to {name!r} at the source, or change the contract",
        rejects=True,
    )


def _missing(name: str, expected: str, unnamed: list[str], where: str) -> Finding:
    found = ", ".join(map(repr, unnamed[:_SHOWN])) + (" and more" if len(unnamed) > _SHOWN else "")
    others = f"; found {found}, which the contract does not name" if unnamed else ""
    return Finding(
        column=name,
        problem=f"the column {name!r} ({expected}) is missing in {where}{others}",
        remedy=f"bring {name!r} back at the source, or take it out of spec.contract.columns",
        rejects=True,
    )


def _extra(name: str, where: str, *, rejects: bool) -> Finding:
    return Finding(
        column=name,
        problem=f"{where} has a column {name!r} that the contract does not name",
        remedy="add it to spec.contract.columns, or drop it at the source",
        rejects=rejects,
    )
