"""Read a source for a time window into a snapshot."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from millrace.ingest.snapshot import Snapshot, SnapshotManifest

if TYPE_CHECKING:
    from millrace.ingest.history import mark_accepted
    from millrace.ingest.ingestion import ingest
    from millrace.ingest.reading import read_snapshot

__all__ = ["Snapshot", "SnapshotManifest", "ingest", "mark_accepted", "read_snapshot"]

_HOME = {"ingest": "ingestion", "mark_accepted": "history", "read_snapshot": "reading"}


def __getattr__(name: str) -> object:
    """Import what needs pyarrow on first use, so that the documents alone stay cheap."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
