"""Ingest: a source for a time window becomes a snapshot in the store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from millrace.ingest.history import comparable, place, recall, usual_rows
from millrace.ingest.reader import Window
from millrace.ingest.readers import open_reader
from millrace.ingest.snapshot import Snapshot, SnapshotManifest
from millrace.ingest.spill import CanonicalWriter
from millrace.ingest.window import checked_window, in_utc, within
from millrace.progress import say
from millrace.storage import Store
from millrace.workload import Workload


def ingest(
    workload: Workload,
    store: Store,
    *,
    as_of: datetime | None = None,
    window: Window | None = None,
) -> Snapshot:
    """Take a snapshot of a workload's source; the same content is the same snapshot.

    Args:
        workload: whose source is read.
        store: where the snapshot and the history of snapshots lie.
        as_of: when this content was seen, by default now; without a clock, a content that the run
            before took too keeps the time at which it was first seen.
        window: start and end of the event times to take; only for workloads with a clock.

    Raises:
        SourceError: the source cannot be read; nothing of it was taken.
        StoreError: the store does not do as asked; nothing was half-written.
        WorkloadError: the window, or the source's declaration, is wrong.
    """
    window = checked_window(workload, window)
    home = f"snapshots/{workload.name}"
    with store.staging(home) as folder:
        manifest = _taken(workload, window, folder)
        key = f"{home}/{manifest.digest}"
        store.publish(folder / "snapshot", key)
    entries = recall(store, f"{home}/history")
    moment = in_utc(as_of) if as_of else None
    timed = workload.spec.time is not None
    entry, is_new = place(entries, manifest.digest, manifest.rows, window, moment, timed=timed)
    if entry not in entries:
        store.write_json(f"{home}/history/{entry.name}", entry.model_dump(mode="json"))
    accepted = set(store.names(f"{home}/accepted"))
    earlier = comparable(entries, entry, accepted)
    say("snapshot_taken", digest=manifest.digest, rows=manifest.rows, is_new=is_new)
    return Snapshot(
        manifest=manifest,
        key=key,
        as_of=entry.as_of,
        is_new=is_new,
        previous=earlier[-1].digest if earlier else None,
        usual_rows=usual_rows(earlier),
    )


def _taken(workload: Workload, window: Window | None, folder: Path) -> SnapshotManifest:
    """Write the snapshot into a folder of its own, whole, before anyone can see it."""
    for name in ("spill", "snapshot"):
        (folder / name).mkdir()
    reader = open_reader(workload, window)
    writer = CanonicalWriter(folder / "spill")
    digest, rows = writer.write(
        within(reader.chunks(), workload, window),
        folder / "snapshot" / "data.parquet",
        folder / "snapshot" / "origin.parquet",
    )
    manifest = SnapshotManifest(
        workload=workload.name,
        digest=digest,
        rows=rows,
        columns={field.name: str(field.type) for field in writer.schema},
        source=reader.source,
        fingerprint=reader.fingerprint(),
        window=window,
    )
    manifest.write(folder / "snapshot" / "manifest.json")
    return manifest
