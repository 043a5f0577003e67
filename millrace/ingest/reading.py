"""Read a snapshot's folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.errors import StoreError
from millrace.ingest.snapshot import SnapshotManifest


def read_snapshot(folder: Path) -> tuple[SnapshotManifest, pa.Table, pa.Table]:
    """Return a snapshot's manifest, its records and where each came from.

    Returns:
        the manifest; the records in canonical order; for each the columns `source` (string) and
        `position` (int64: the line it starts in, or its row number, from 1).

    Raises:
        MillraceError: the folder holds no whole snapshot.
    """
    manifest = SnapshotManifest.read(folder / "manifest.json")
    try:
        records = pq.read_table(folder / "data.parquet", partitioning=None)
        origin = pq.read_table(folder / "origin.parquet", partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"the snapshot cannot be read: {error}",
            where=str(folder),
            remedy="delete its folder and ingest again",
        ) from error
    if not records.num_rows == origin.num_rows == manifest.rows:
        raise StoreError(
            "the snapshot is not whole",
            where=str(folder),
            found=f"{records.num_rows} records and {origin.num_rows} positions",
            expected=f"{manifest.rows} of each",
            remedy="delete its folder and ingest again",
        )
    return manifest, records, origin
