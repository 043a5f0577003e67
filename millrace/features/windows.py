"""Features over the time that trails a moment: counts, sums and means of the last hours and days.

Sums are of whole numbers: a decimal is taken to the nearest 2^-20. So the sum of a window does not
depend on what came before it, and computing a day anew gives the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.durations import duration_text
from millrace.errors import FeatureError
from millrace.features.definitions import EVENT_TIMESTAMP

Kind = Literal["count", "sum", "mean"]
Aggregation = tuple[str, Kind, str]
"""A column, what to make of its values, and how far back: `("late", "mean", "3h")`."""
Whole = npt.NDArray[np.int64]

_SCALE = 2.0**20
_LARGEST = 2.0**62

_NEXT = 1
"""Microseconds from what becomes known to the first moment that knows it."""

_REACH: ContextVar[timedelta | None] = ContextVar("reach", default=None)


@contextmanager
def looking_back(reach: timedelta | None) -> Iterator[None]:
    """Hold windows to how far back records were read; None for as far as there are any."""
    token = _REACH.set(reach)
    try:
        yield
    finally:
        _REACH.reset(token)


@dataclass(frozen=True)
class _Events:
    """Events by key and time.

    Attributes:
        order: the records, those of a key together and in the order of time; shape [n].
        place: where each is on a line on which the keys' times do not overlap; shape [n].
        shift: what to add to a place to have its time, of each; shape [n].
    """

    order: Whole
    place: Whole
    shift: Whole

    def changes(self, windows: Sequence[int]) -> Whole:
        """Return where a window gains an event or loses one, ascending; shape [m]."""
        runs = [self.place, *(self.place + window for window in dict.fromkeys(windows))]
        places = np.sort(np.concatenate(runs), kind="stable")  # which merges what is in order
        return places[np.diff(places, append=np.iinfo(np.int64).max) > 0]

    def up_to(self, places: Whole) -> Whole:
        """Return how many events there are up to and with each place; shape [m]."""
        return np.searchsorted(self.place, places, side="right")


def trailing(
    records: pd.DataFrame, *, keys: Sequence[str], at: str, **aggregations: Aggregation
) -> pd.DataFrame:
    """Return what each key's events of the last hours and days come to, whenever that changes.

    A window of 3h at 12:00 holds what became known from 9:00 on and before 12:00. So an event whose
    outcome is known at once does not know it itself, and a row says from when on it holds: the
    next microsecond after an event became known, or after one was 3h ago. Records without a time
    are not known yet and count nowhere; a missing value counts in no aggregation of its column.

    Args:
        records: the events, in any order.
        keys: columns that say whose events they are; records without one are left out.
        at: timestamp column that says when an event became known.
        **aggregations: the columns to return, in the way of pandas' named aggregation: a column of
            truth values or numbers; `count`, `sum` or `mean`; a window such as `3h` or `7d`.

    Returns:
        A row for each key and time at which a window gained an event or lost one: the keys,
        `event_timestamp` and the aggregations. A count is Int64, a mean or a sum float64; without a
        value, missing.

    Raises:
        FeatureError: there is no such column, it holds no numbers, or a window is none, or is
            longer than records were read.
    """
    _check(records, [*keys, at], aggregations)
    windows = {window: _microseconds(window) for _, _, window in aggregations.values()}
    events = _in_order(records, list(keys), at, max(windows.values(), default=0))
    places = events.changes(list(windows.values()))
    ends = events.up_to(places)
    starts = {window: events.up_to(places - length) for window, length in windows.items()}
    shown = events.order[ends - 1]
    rows = records[list(keys)].take(shown).reset_index(drop=True)
    times = (places + events.shift[ends - 1] + _NEXT).view("datetime64[us]")
    rows[EVENT_TIMESTAMP] = pd.Series(times).dt.tz_localize("UTC")
    sums = {
        column: _cumulated(records[column], column, events.order)
        for column in dict.fromkeys(column for column, _, _ in aggregations.values())
    }
    for name, (column, kind, window) in aggregations.items():
        counted, added = (total[ends] - total[starts[window]] for total in sums[column])
        rows[name] = _told(kind, counted, added)
    return rows


def _in_order(records: pd.DataFrame, keys: list[str], at: str, longest: int) -> _Events:
    codes = records.groupby(keys, sort=False, dropna=True).ngroup().to_numpy(np.int64, na_value=-1)
    times = records[at].to_numpy("datetime64[us]").astype(np.int64)
    known = np.flatnonzero((codes >= 0) & records[at].notna().to_numpy())
    order = known[np.lexsort((times[known], codes[known]))]
    codes, times = codes[order], times[order]
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(begins, append=len(codes))
    # each key's times begin further than the longest window after the end of the one before
    spans = times[begins + lengths - 1] - times[begins] + longest + 1
    shift = np.repeat(times[begins] - (np.cumsum(spans) - spans), lengths)
    return _Events(order, times - shift, shift)


def _cumulated(values: pd.Series, column: str, order: Whole) -> tuple[Whole, Whole]:
    """Return how many values there are before each event, and their sum in 2^-20; shape [n + 1]."""
    if not pd.api.types.is_numeric_dtype(values.dtype):  # only counted
        values = values.notna().where(values.notna())
    numbers = values.to_numpy(np.float64, na_value=np.nan)[order]
    missing = np.isnan(numbers)
    scaled = np.where(missing, 0.0, numbers) * _SCALE
    if not np.abs(scaled).sum() < _LARGEST:
        raise FeatureError(
            f"the values of {column!r} are too large to be added up",
            found=f"up to {np.nanmax(np.abs(numbers)):g}",
            expected=f"values whose sum stays below {_LARGEST / _SCALE:g}",
            remedy="scale the column in features.py",
        )
    whole = np.rint(scaled).astype(np.int64)
    return tuple(np.r_[np.int64(0), np.cumsum(part)] for part in (~missing, whole))


def _told(kind: Kind, counted: Whole, added: Whole) -> npt.NDArray[np.float64] | pd.Series:
    if kind == "count":
        return pd.array(counted, dtype="Int64")  # type: ignore[return-value]
    empty = counted == 0
    total = added / _SCALE
    value = total if kind == "sum" else total / np.where(empty, 1, counted)
    return np.where(empty, np.nan, value)


def _microseconds(window: str) -> int:
    try:
        found = int(pd.Timedelta(window) / pd.Timedelta(microseconds=1))
    except ValueError:
        found = 0
    if found <= 0:
        raise FeatureError(
            "is no window", found=repr(window), expected="a duration, such as 3h or 7d"
        )
    reach = _REACH.get()
    if reach is not None and found > reach // timedelta(microseconds=1):
        raise FeatureError(
            f"a window of {window} is longer than features look back",
            found=f"spec.time.history: {duration_text(reach)}" if reach else "no spec.time.history",
            remedy=f"set history to {window}, and as much more as an outcome takes to be known",
        )
    return found


def _check(
    records: pd.DataFrame, columns: list[str], aggregations: Mapping[str, Aggregation]
) -> None:
    wanted = [*columns, *(column for column, _, _ in aggregations.values())]
    missing = [name for name in wanted if name not in records.columns]
    if missing:
        raise FeatureError(
            f"the records have no column {missing[0]!r}", found=", ".join(map(str, records.columns))
        )
    at = columns[-1]
    if not isinstance(records[at].dtype, pd.DatetimeTZDtype):
        raise FeatureError(
            f"the column {at!r} holds no times", found=str(records[at].dtype), expected="timestamps"
        )
    for column, kind, _ in aggregations.values():
        if kind not in ("count", "sum", "mean"):
            raise FeatureError("is no aggregation", found=repr(kind), expected="count, sum or mean")
        if kind != "count" and not pd.api.types.is_numeric_dtype(records[column].dtype):
            raise FeatureError(
                f"the column {column!r} holds no numbers",
                found=str(records[column].dtype),
                expected="numbers or truth values",
            )
