"""Ingest: a source for a time window becomes a snapshot in the store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from millrace.ingest.difference import difference
from millrace.ingest.history import (
    Entry,
    comparable,
    last_look,
    next_moment,
    place,
    recall,
    usual_rows,
)
from millrace.ingest.outcomes import known_by
from millrace.ingest.readers import open_reader
from millrace.ingest.reading import read_snapshot
from millrace.ingest.snapshot import Snapshot, SnapshotManifest, Window
from millrace.ingest.spill import CanonicalWriter
from millrace.ingest.window import checked_window, default_window, within
from millrace.progress import say
from millrace.storage import Store
from millrace.utc import in_utc
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
        window: start and end of the event times to take, by default what `time` says up to the
            as-of time; only for workloads with a clock.

    Raises:
        SourceError: the source cannot be read; nothing of it was taken.
        StoreError: the store does not do as asked; nothing was half-written.
        WorkloadError: the window, or the source's declaration, is wrong.
    """
    asked = checked_window(workload, window)
    home = f"snapshots/{workload.name}"
    entries = recall(store, f"{home}/history")
    moment = in_utc(as_of) if as_of else next_moment(entries)
    taken = asked or default_window(workload, moment, now=as_of is None)
    with store.staging(home) as folder:
        manifest = _taken(workload, taken, moment, folder)
        key = f"{home}/{manifest.digest}"
        store.publish(folder / "snapshot", key)
    shown = Entry(digest=manifest.digest, as_of=moment, rows=manifest.rows, window=asked)
    entry, is_new = place(entries, shown, timed=workload.spec.time is not None)
    if entry not in entries:
        entry = _compared(workload, store, entry, last_look(entries, entry))
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
        difference=entry.difference,
        asked=asked is not None,
    )


def _compared(workload: Workload, store: Store, entry: Entry, earlier: Entry | None) -> Entry:
    """Return an entry that says what has changed since the last look as of the same time."""
    if earlier is None:
        return entry
    home = f"snapshots/{workload.name}"
    with store.staging(home) as scratch:
        before, now = (
            read_snapshot(store.fetch(f"{home}/{digest}", scratch / digest))[1]
            for digest in (earlier.digest, entry.digest)
        )
        found = difference(earlier.digest, before, now, workload.spec, entry.as_of)
    say("snapshot_differs", **found.model_dump())
    return entry.model_copy(update={"difference": found})


def _taken(
    workload: Workload, window: Window | None, as_of: datetime, folder: Path
) -> SnapshotManifest:
    """Write the snapshot into a folder of its own, whole, before anyone can see it."""
    for name in ("spill", "snapshot"):
        (folder / name).mkdir()
    reader = open_reader(workload, window)
    writer = CanonicalWriter(folder / "spill")
    digest, rows = writer.write(
        known_by(within(reader.chunks(), workload, window), workload, as_of),
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
