"""Faults of records: how each is told to people, and how it stands in quarantine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.validation.report import Finding
from millrace.workload.source import CsvSource, Source, SqlSource

Rows = npt.NDArray[np.int64]
"""Row numbers of the snapshot, ascending, from 0."""

EXAMPLES = 5
_SHOWN = 60

REASON_TYPE = pa.list_(
    pa.struct({"column": pa.string(), "reason": pa.string(), "value": pa.string()})
)
"""Why a record is in quarantine: every reason, with the value as it came."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with some records."""

    column: str | None
    """The column at fault; None for the record as a whole."""
    reason: str
    """What is wrong, as a clause."""
    remedy: str
    """What to do; empty where a finding about the whole column says it already."""
    rows: Rows
    each: list[str] | None = None
    """The reason of each record, where it differs from one to the next."""
    when: str = ""
    """Of which time the events are, as a clause; empty if there is nothing to tell."""
    copies: bool = False
    """Whether the records are copies of others, so that nothing is lost without them."""


class Places:
    """Where each record came from, in words."""

    def __init__(self, origin: pa.Table, kind: str) -> None:
        self._sources = origin.column("source")
        self._positions = origin.column("position").to_numpy()
        self._unit = "line" if kind == "csv" else "row"
        self._many = pc.count_distinct(self._sources).as_py() > 1

    def __getitem__(self, row: int) -> str:
        """Return such as `line 7`, or `row 7 of part-2.parquet` where there are many files."""
        return self.in_source(row) if self._many else f"{self._unit} {self._positions[row]}"

    def in_source(self, row: int) -> str:
        """Return such as `line 7 of data.csv`, with the source in any case."""
        return f"{self._unit} {self._positions[row]} of {self._sources[row].as_py()}"


def header_place(source: Source) -> str:
    """Return where a source names its columns, such as `line 1 of data.csv`."""
    if isinstance(source, SqlSource):
        return "the query's result"
    return f"line 1 of {source.path}" if isinstance(source, CsvSource) else source.path


def finding_of(fault: Fault, records: pa.Table, places: Places) -> Finding:
    """Return a fault as the report tells it, with the first records as examples."""
    first = [int(row) for row in fault.rows[:EXAMPLES]]
    told = _told(fault, records, first)
    return Finding(
        column=fault.column,
        problem=f"{fault.reason}, {fault.when}" if fault.when else fault.reason,
        records=len(fault.rows),
        examples=_placed(first, told, places),
        remedy=fault.remedy,
    )


def examples_of(column: str, rows: Rows, records: pa.Table, places: Places) -> list[str]:
    """Return what records hold in a column, each with its place."""
    told = [_shown(value) for value in raw_texts(records.column(column), rows)]
    return _placed(rows.tolist(), told, places)


def _placed(rows: list[int], told: list[str], places: Places) -> list[str]:
    return [
        f"{places[row]}: {text}" if text else places[row]
        for row, text in zip(rows, told, strict=True)
    ]


def broken_rows(faults: list[Fault]) -> Rows:
    """Return the rows that any fault concerns, ascending."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *(fault.rows for fault in faults)]))


def reasons_of(faults: list[Fault], records: pa.Table, rows: Rows) -> pa.ListArray:
    """Return for each of the broken rows its reasons, in the order of the faults."""
    columns: list[str | None] = []
    reasons: list[str] = []
    values: list[str | None] = []
    for fault in faults:
        count = len(fault.rows)
        columns += [fault.column] * count
        reasons += fault.each or [fault.reason] * count
        known = fault.column in records.column_names
        values += raw_texts(records.column(fault.column), fault.rows) if known else [None] * count
    concerned = np.concatenate([np.empty(0, np.int64), *(fault.rows for fault in faults)])
    order = pa.array(np.argsort(concerned, kind="stable"))
    counts = np.searchsorted(np.sort(concerned), rows, side="right")
    fields = [pa.array(part, pa.string()).take(order) for part in (columns, reasons, values)]
    structs = pa.StructArray.from_arrays(fields, names=["column", "reason", "value"])
    offsets = pa.array(np.concatenate([[0], counts]), pa.int32())
    return pa.ListArray.from_arrays(offsets, structs).cast(REASON_TYPE)


def raw_texts(column: pa.ChunkedArray, rows: Rows | list[int]) -> list[str | None]:
    """Return values as they came, as text; None stays None."""
    values = column.take(pa.array(rows, pa.int64())).to_pylist()
    return [None if value is None else _raw_text(value) for value in values]


def commonest(faults: list[Fault], records: pa.Table, places: Places, number: int = 3) -> str:
    """Return the faults that concern most records, in words, with an example of the first."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for fault in faults:
        subject = repr(fault.column) if fault.column else "the record"
        clause = f"{subject} {fault.reason}"
        counts[clause] += len(fault.rows)
        first = int(fault.rows[0])
        (value,) = _told(fault, records, [first])
        place = places.in_source(first)
        example = f"such as {value} in {place}" if value else f"such as {place}"
        examples.setdefault(clause, f"{fault.when}, {example}" if fault.when else example)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{clause} ({count})" for clause, count in ranked[:number]]
    if ranked:
        clause, count = ranked[0]
        told[0] = f"{clause} ({count}, {examples[clause]})"
    return ", ".join(told)


def _told(fault: Fault, records: pa.Table, first: list[int]) -> list[str]:
    """Return what the first of a fault's rows hold, in words; '' where there is none to show."""
    if fault.each is not None:
        return fault.each[: len(first)]
    if fault.column in records.column_names:
        return [_shown(value) for value in raw_texts(records.column(fault.column), first)]
    return [""] * len(first)


def _raw_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _shown(value: str | None) -> str:
    if value is None:
        return "nothing"
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
