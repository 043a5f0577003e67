"""The contract as a pandera schema: what each value and each column must be."""

from __future__ import annotations

import math
import re
import warnings
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from pandera.errors import SchemaErrors

from millrace.errors import WorkloadError
from millrace.validation.columns import ParsedColumn
from millrace.validation.faults import Fault, Rows
from millrace.workload import Workload
from millrace.workload.contract import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = ("not_nullable", "is missing", "fill it at the source, or declare it nullable")
_SHARED = (
    "field_uniqueness",
    "is shared by records that differ",
    "find out which is right at the source: none of them was taken",
)
_IN_CONTRACT = "mend the values at the source, or the bound in spec.contract"


def check_declarations(workload: Workload) -> None:
    """Raise a WorkloadError if a pattern or time zone of the contract is none."""
    for name, column in workload.spec.contract.columns.items():
        place = f"{workload.file} at spec.contract.columns.{name}"
        try:
            re.compile(column.pattern or "")
        except re.error as error:
            raise WorkloadError(
                f"pattern is no regular expression: {error}",
                where=place,
                found=repr(column.pattern),
            ) from error
        try:
            ZoneInfo(column.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise WorkloadError(
                "timezone is unknown",
                where=place,
                found=repr(column.timezone),
                expected="a name such as UTC or Europe/Berlin",
            ) from error


def schema_faults(
    parsed: dict[str, ParsedColumn], columns: dict[str, Column], rows: Rows
) -> list[Fault]:
    """Return what pandera finds wrong with records, column by column.

    Args:
        parsed: the columns, all of one length.
        columns: the contract's columns.
        rows: which records to look at; those that are copies of another are left out.
    """
    if not parsed:
        return []
    table = pa.table({name: column.values for name, column in parsed.items()})
    frame = table.to_pandas(types_mapper=pd.ArrowDtype).iloc[rows]
    frame.index = pd.Index(rows)
    checks = {name: list(_checks(columns[name])) for name in parsed}
    schema = pandera.DataFrameSchema(
        {
            name: pandera.Column(
                checks=[check for check, _ in checks[name]],
                nullable=columns[name].nullable,
                unique=columns[name].unique,
            )
            for name in parsed
        }
    )
    with warnings.catch_warnings():
        # pandera joins empty frames of failures, of which pandas warns; users need not know
        warnings.simplefilter("ignore", FutureWarning)
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            return list(_faults(error.failure_cases, parsed, checks))
    return []


def _checks(column: Column) -> Iterator[tuple[Any, str]]:
    """Yield each check of a column with the clause for a value that fails it."""
    whole = column.type == "integer"
    if column.min is not None:
        bound = _within_64_bits(math.ceil(column.min)) if whole else column.min
        yield pandera.Check.ge(bound), f"is below {_plain(column.min)}"
    if column.max is not None:
        bound = _within_64_bits(math.floor(column.max)) if whole else column.max
        yield pandera.Check.le(bound), f"is above {_plain(column.max)}"
    if column.allowed is not None:
        yield (
            pandera.Check.isin(column.allowed),
            f"is none of {', '.join(map(repr, column.allowed))}",
        )
    if column.pattern is not None:
        yield pandera.Check(_Matches(column.pattern)), f"does not match {column.pattern!r}"


class _Matches:
    """Whether the whole of each text matches a regular expression of Python's."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self.__name__ = "matches"

    def __call__(self, values: pd.Series[Any]) -> pd.Series[Any]:
        known = {text: bool(self._pattern.fullmatch(str(text))) for text in values.unique()}
        return values.map(known).astype(bool)


def _within_64_bits(bound: int) -> int:
    """Return a bound that an integer column can be compared to without rounding either."""
    return min(max(bound, -(2**63)), 2**63 - 1)


def _plain(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def _faults(
    cases: pd.DataFrame, parsed: dict[str, ParsedColumn], checks: dict[str, list[tuple[Any, str]]]
) -> Iterator[Fault]:
    for name, column in parsed.items():
        mine = cases[cases["column"] == name]
        for number, (_, reason) in enumerate(checks[name]):
            yield from _fault(name, reason, _IN_CONTRACT, mine[mine["check_number"] == number])
        for check, reason, remedy in (_MISSING, _SHARED):
            failed = mine[(mine["check"] == check) & mine["check_number"].isna()]
            blank = column.failed if check == _MISSING[0] else column.failed | column.missing
            yield from _fault(name, reason, remedy, failed, without=blank)


def _fault(
    name: str,
    reason: str,
    remedy: str,
    cases: pd.DataFrame,
    without: np.ndarray[Any, np.dtype[np.bool_]] | None = None,
) -> Iterator[Fault]:
    """Yield the fault, unless its only records are those where there was no value to check."""
    rows = np.unique(cases["index"].to_numpy(np.int64))
    if without is not None:
        rows = rows[~without[rows]]
    if len(rows):
        yield Fault(name, reason, remedy, rows)
