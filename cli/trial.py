"""The first records of a workload's source, to try its code on before anything is run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from millrace.workload import Workload

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_TRIED = 500
"""Records that are enough to see whether a function works."""
_RECENT = timedelta(days=30)
"""Of a query for a time window, this much is asked first; all there is if it holds nothing."""


@dataclass(frozen=True)
class First:
    """The first records of a source as they come, and where each came from."""

    records: pa.Table
    origin: pa.Table


def first_chunk(workload: Workload) -> First:
    """Return what a source gives first; it is read no further.

    Raises:
        SourceError: the source cannot be read.
    """
    import pyarrow as pa

    from millrace.ingest.readers import open_reader
    from millrace.ingest.snapshot import BEGINNING

    now = datetime.now(UTC)
    windows = [(now - _RECENT, now), (BEGINNING, now)] if workload.spec.time else [None]
    for window in windows:
        chunk = next(iter(open_reader(workload, window).chunks()))
        if chunk.records.num_rows:
            break
    count = min(chunk.records.num_rows, _TRIED)
    records = pa.Table.from_batches([chunk.records.slice(0, count)])
    origin = pa.table(
        {"source": [chunk.source] * count, "position": chunk.positions.slice(0, count)},
        schema=pa.schema({"source": pa.string(), "position": pa.int64()}),
    )
    return First(records, origin)


def sound_records(workload: Workload, first: First) -> pd.DataFrame:
    """Return those that keep the contract, as the functions of features.py get them."""
    import numpy as np
    import pyarrow as pa

    from millrace.features.records import to_frame
    from millrace.validation.columns import parse_columns
    from millrace.validation.faults import Places, broken_rows
    from millrace.validation.records import record_faults

    spec = workload.spec
    parsed = parse_columns(first.records, spec.contract.columns)
    places = Places(first.origin, spec.source.kind)
    faults = record_faults(first.records, parsed, spec, places, datetime.now(UTC))
    sound = np.setdiff1d(np.arange(first.records.num_rows), broken_rows(faults))
    table = pa.table({name: column.values for name, column in parsed.items()})
    return to_frame(table.take(pa.array(sound)))
