"""What is wrong with outcomes and the times at which they became known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.validation.columns import ParsedColumn
from millrace.validation.faults import EXAMPLES, Fault, Places, Rows, examples_of
from millrace.validation.report import Finding
from millrace.workload import WorkloadSpec


def outcome_faults(parsed: dict[str, ParsedColumn], spec: WorkloadSpec) -> list[Fault]:
    """Return the records of whose outcome nobody can tell when it became known."""
    time = spec.time
    if time is None or time.label_known is None or time.label_known not in parsed:
        return []
    return [
        *_known_before(parsed, time.event, time.label_known),
        *_without_a_time(parsed, time.label_known, [spec.target.column, *time.outcome]),
    ]


def _known_before(parsed: dict[str, ParsedColumn], event: str, known: str) -> list[Fault]:
    """Return the labels that were known before their event; those not known yet are none."""
    if event not in parsed:
        return []
    earlier = pc.less(parsed[known].values, parsed[event].values)
    rows = np.flatnonzero(earlier.fill_null(False).to_numpy(zero_copy_only=False))
    if not len(rows):
        return []
    reason = f"is before {event!r}: the label is known before the event"
    remedy = "check the clocks and time zones of both columns at the source"
    return [Fault(known, reason, remedy, rows)]


def _without_a_time(
    parsed: dict[str, ParsedColumn], known: str, outcomes: list[str]
) -> list[Fault]:
    there = [~parsed[name].missing for name in outcomes if name in parsed]
    if not there:
        return []
    rows = np.flatnonzero(parsed[known].missing & np.any(there, axis=0))
    if not len(rows):
        return []
    told = " or ".join(map(repr, outcomes))
    reason = f"is missing, though {told} has a value: nobody can tell since when it is known"
    remedy = "bring the time at which an outcome became known; until then, leave it empty"
    return [Fault(known, reason, remedy, rows)]


def unlabelled_findings(
    records: pa.Table,
    parsed: dict[str, ParsedColumn],
    spec: WorkloadSpec,
    as_of: datetime,
    accepted: Rows,
    places: Places,
) -> list[Finding]:
    """Return what is told of accepted records that say a label is known, and have none."""
    label, known = spec.target.column, spec.time.label_known if spec.time else None
    if known is None or known not in parsed or label not in parsed:
        return []
    now = pa.scalar(as_of, pa.timestamp("us", "UTC"))
    by_then = pc.fill_null(pc.less_equal(parsed[known].values, now), False)
    lacking = by_then.to_numpy(zero_copy_only=False) & parsed[label].missing
    rows = accepted[lacking[accepted]]
    if not len(rows):
        return []
    return [
        Finding(
            column=label,
            problem=f"has no value, though by {known!r} it is known: nothing is learnt from it",
            records=len(rows),
            examples=examples_of(known, rows[:EXAMPLES], records, places),
            remedy=f"bring the label, or leave {known!r} empty until there is one",
        )
    ]
