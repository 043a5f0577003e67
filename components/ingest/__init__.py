"""The component that takes a snapshot of the source."""

from components.ingest.component import ingest

__all__ = ["ingest"]
