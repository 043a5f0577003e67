"""Validate: hold a snapshot to its workload's contract."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from millrace.ingest.reading import read_snapshot
from millrace.progress import say
from millrace.utc import in_utc
from millrace.validation.batch import column_findings, share_findings, volume_findings
from millrace.validation.columns import ARROW_TYPES, ParsedColumn, parse_columns
from millrace.validation.faults import (
    Fault,
    Places,
    broken_rows,
    finding_of,
    header_place,
    reasons_of,
)
from millrace.validation.outcomes import unlabelled_findings
from millrace.validation.outputs import write_accepted, write_quarantine
from millrace.validation.presence import presence_findings
from millrace.validation.profile import drift_of_columns, profile_columns
from millrace.validation.records import record_faults
from millrace.validation.report import Finding, QualityReport
from millrace.validation.schema import check_declarations
from millrace.validation.times import (
    backward_findings,
    freshness_findings,
    gap_findings,
    unsure_findings,
)
from millrace.workload import Workload, WorkloadSpec
from millrace.workload.contract import Column


def validate(
    workload: Workload,
    snapshot: Path,
    *,
    as_of: datetime,
    usual_rows: int | None,
    previous: Path | None,
    accepted: Path,
    quarantine: Path,
) -> QualityReport:
    """Divide a snapshot's records into accepted and quarantined, and judge the batch as a whole.

    No record is lost: accepted + quarantined == parsed, also when the batch is rejected.

    Args:
        workload: whose contract it is.
        snapshot: folder of the snapshot.
        as_of: against which freshness and events of the future are measured.
        usual_rows: the usual number of records; None if it is not known yet.
        previous: folder of the snapshot before, to measure drift against.
        accepted: folder to write; data.parquet holds the contract's columns in its types.
        quarantine: folder to write; records.parquet and records.csv hold the raw records with
            where they came from and why they are there.

    Raises:
        WorkloadError: the contract itself is wrong.
        MillraceError: a snapshot is not whole, or the disk is full.
    """
    check_declarations(workload)
    as_of = in_utc(as_of)
    spec = workload.spec
    columns = spec.contract.columns
    manifest, records, origin = read_snapshot(snapshot)
    before = read_snapshot(previous)[1] if previous is not None else None
    earlier = _values(before, columns) if before is not None else {}
    parsed = parse_columns(records, columns)
    say("values_read", done=records.num_rows, columns=len(parsed))

    places = Places(origin, spec.source.kind)
    faults = record_faults(records, parsed, spec, places, as_of)
    broken = broken_rows(faults)
    sound = np.setdiff1d(np.arange(records.num_rows), broken, assume_unique=True)
    taken = _typed(parsed, columns, sound)
    write_accepted(taken, accepted)
    write_quarantine(
        records.take(pa.array(broken)),
        origin.take(pa.array(broken)),
        reasons_of(faults, records, broken),
        quarantine,
    )
    report = QualityReport(
        snapshot=manifest.digest,
        parsed=records.num_rows,
        accepted=len(sound),
        quarantined=len(broken),
        findings=[
            *presence_findings(records, spec.contract, before, header_place(spec.source)),
            *_batch_findings(records, places, parsed, faults, spec, usual_rows),
            *freshness_findings(parsed, spec, as_of),
            *backward_findings(parsed, earlier, spec, manifest.window, as_of),
            *gap_findings(taken, spec, manifest.window),
            *unsure_findings(records, parsed, columns, sound, places),
            *unlabelled_findings(records, parsed, spec, as_of, sound, places),
            *(finding_of(fault, records, places) for fault in faults if fault.remedy),
        ],
        columns=profile_columns(taken, columns),
        drift=None if before is None else drift_of_columns(taken, earlier, columns),
    )
    say("batch_judged", accepted=report.accepted, quarantined=report.quarantined)
    return report


def _batch_findings(
    records: pa.Table,
    places: Places,
    parsed: dict[str, ParsedColumn],
    faults: list[Fault],
    spec: WorkloadSpec,
    usual_rows: int | None,
) -> list[Finding]:
    contract = spec.contract
    rows = records.num_rows
    of_columns = column_findings(records, parsed, contract.columns, places, spec.late_columns)
    explained = {finding.column for finding in of_columns}
    explained |= contract.columns.keys() - set(records.column_names)
    return [
        *of_columns,
        *volume_findings(rows, usual_rows, contract.completeness.rows),
        *share_findings(faults, explained, records, places, contract.limits.quarantined),
    ]


def _typed(
    parsed: dict[str, ParsedColumn], columns: dict[str, Column], rows: np.ndarray
) -> pa.Table:
    """Return the accepted records; there are none if a column is missing, but its type stands."""
    taken = pa.array(rows)
    return pa.table(
        {
            name: parsed[name].values.take(taken)
            if name in parsed
            else pa.nulls(len(rows), ARROW_TYPES[column.type])
            for name, column in columns.items()
        }
    )


def _values(records: pa.Table, columns: dict[str, Column]) -> dict[str, pa.Array]:
    return {name: column.values for name, column in parse_columns(records, columns).items()}
