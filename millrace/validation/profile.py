"""What the columns of a batch look like, and how far they have moved since the one before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.distance import kolmogorov_smirnov, total_variation
from millrace.validation.report import ColumnDrift, ColumnProfile
from millrace.workload.contract import Column

TOP = 8
_ORDERED = ("integer", "number", "timestamp")


def profile_columns(accepted: pa.Table, columns: dict[str, Column]) -> list[ColumnProfile]:
    """Return the profile of each column of the accepted records, in the contract's order."""
    return [_profile(name, columns[name].type, accepted.column(name)) for name in columns]


def _profile(name: str, kind: str, values: pa.ChunkedArray) -> ColumnProfile:
    known = values.drop_null()
    low = median = high = None
    if kind in ("integer", "number") and len(known):
        numbers = known.cast(pa.float64(), safe=False).to_numpy()
        low, median, high = (float(np.quantile(numbers, q)) for q in (0, 0.5, 1))
    return ColumnProfile(
        name=name,
        type=kind,
        missing=values.null_count / len(values) if len(values) else 0.0,
        distinct=len(pc.unique(known)),
        low=low,
        median=median,
        high=high,
        top={} if kind in _ORDERED else _top(known, len(values)),
    )


def _top(known: pa.ChunkedArray, total: int) -> dict[str, float]:
    """Return the shares of the commonest values; none if every value is another, as of a key."""
    counted = pc.value_counts(known.cast(pa.string()))
    values, counts = counted.field("values"), counted.field("counts").to_numpy()
    if len(values) == len(known) > TOP:
        return {}
    least = np.sort(counts)[-TOP:][:1]
    often = np.flatnonzero(counts >= least)
    pairs = zip(values.take(pa.array(often)).to_pylist(), counts[often].tolist(), strict=True)
    ranked = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:TOP]
    return {value: count / total for value, count in ranked}


def drift_of_columns(
    accepted: pa.Table, previous: dict[str, pa.Array], columns: dict[str, Column]
) -> list[ColumnDrift]:
    """Return how far each column has moved.

    Those that the batch before had not are left out, and those whose values only tell records
    apart: keys are new in every batch, which says nothing.
    """
    if not accepted.num_rows:
        return []
    return [
        _drift(name, column.type, accepted.column(name).combine_chunks(), previous[name])
        for name, column in columns.items()
        if name in previous
        and len(previous[name])
        and not _is_key(column, accepted.column(name), previous[name])
    ]


def _is_key(column: Column, *batches: pa.Array | pa.ChunkedArray) -> bool:
    """Return whether no two records share a value, as declared, or as text does in both batches."""
    text = column.type in ("string", "category") and column.allowed is None
    return column.unique or (
        text
        and all(
            len(values) - values.null_count == pc.count_distinct(values).as_py() > 1
            for values in batches
        )
    )


def _drift(name: str, kind: str, now: pa.Array, before: pa.Array) -> ColumnDrift:
    if kind in _ORDERED:
        distance = kolmogorov_smirnov(_numbers(now), _numbers(before))
        return ColumnDrift(name=name, measure="ks", distance=distance)
    distance = total_variation(_counts(now), _counts(before))
    return ColumnDrift(name=name, measure="total_variation", distance=distance)


def _counts(values: pa.Array) -> dict[str | None, int]:
    counted = pc.value_counts(values.cast(pa.string()))
    pairs = zip(
        counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True
    )
    return dict(pairs)


def _numbers(values: pa.Array) -> npt.NDArray[np.float64]:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numbers = values.cast(pa.float64(), safe=False).fill_null(np.nan)
    return np.asarray(numbers, np.float64)
