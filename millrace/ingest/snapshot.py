"""A snapshot: an immutable copy of the source for a time window, named by its content digest."""

from __future__ import annotations

from datetime import datetime

from millrace.documents import Document


class SnapshotManifest(Document):
    """What stands in a snapshot's `manifest.json`; beside it lie data and origin.parquet."""

    workload: str
    digest: str
    """SHA-256 of the content, however its rows were ordered."""
    rows: int
    columns: dict[str, str]
    """Arrow type of each column; all `string` where the source is text."""
    source: str
    """Where it came from, without secrets."""
    fingerprint: str
    """What the source looked like when it was read (size, digest or row count)."""
    window: tuple[datetime, datetime] | None = None
    """Start and end of the time window, the end not included."""


class Snapshot(Document):
    """A snapshot as one run took it."""

    manifest: SnapshotManifest
    key: str
    """Key of its folder in the store."""
    as_of: datetime
    """When this content was first seen: its as-of time, in UTC."""
    is_new: bool
    """False if the run before took the same content."""
    previous: str | None = None
    """Digest of the last snapshot before this one that kept the contract."""
    usual_rows: int | None = None
    """Median row count of the last such snapshots; None if there is none."""
