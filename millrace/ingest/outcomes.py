"""What a run may know: an outcome is there only once it has become known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from millrace.ingest.reader import Chunk
from millrace.validation.columns import parse_column
from millrace.workload import Workload


def known_by(chunks: Iterator[Chunk], workload: Workload, as_of: datetime) -> Iterator[Chunk]:
    """Yield records as they stood at a time: without the outcomes that became known later.

    So a run for a time of the past learns what a run at that time would have learnt. A record with
    an outcome that says not when it became known, or says it unreadably, stays as it is: validation
    puts it into quarantine, where it is seen.

    Args:
        chunks: records of the source.
        workload: whose `time` says which columns become known when.
        as_of: the as-of time, in UTC.
    """
    time = workload.spec.time
    if time is None or time.label_known is None:
        yield from chunks
        return
    contract = workload.spec.contract.columns[time.label_known]
    late = workload.spec.late_columns
    now = pa.scalar(as_of, pa.timestamp("us", "UTC"))
    for chunk in chunks:
        records = chunk.records
        if time.label_known not in records.schema.names:
            yield chunk
            continue
        known = parse_column(records.column(time.label_known), contract)
        hidden = pc.fill_null(pc.greater(known.values, now), False)
        columns = [
            pc.if_else(hidden, pa.scalar(None, column.type), column) if name in late else column
            for name, column in zip(records.schema.names, records.columns, strict=True)
        ]
        shown = pa.RecordBatch.from_arrays(columns, schema=records.schema)
        yield replace(chunk, records=shown)
