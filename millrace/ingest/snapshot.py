"""A snapshot: an immutable copy of the source for a time window, named by its content digest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from millrace.documents import Document

Window = tuple[datetime, datetime]
"""Start and end in UTC, the end not included."""
BEGINNING, END = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))
"""Start and end of a window that is open there."""


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
    window: Window | None = None
    """Start and end of the time window, the end not included; BEGINNING and END are open."""

    def period(self, spell: Callable[[datetime], str]) -> str:
        """Return the time window for people, its moments spelled as told; '' if it has none."""
        if self.window is None:
            return ""
        start, end = self.window
        if end == END:
            return f"since {spell(start)}"
        return f"until {spell(end)}" if start == BEGINNING else f"{spell(start)} to {spell(end)}"


class Difference(Document):
    """What a later look at the source found, as of the same time as an earlier one."""

    earlier: str
    """Digest of the earlier snapshot."""
    added: int
    """Records that were not there."""
    gone: int
    """Records that are no longer there."""
    became_known: int
    """Records whose outcome was not known."""
    corrected: int
    """Records that say something else now."""

    @property
    def told(self) -> str:
        """Return the difference in words, such as `3 records added, 1 corrected`."""
        counts = [
            (self.added, "added"),
            (self.gone, "gone"),
            (self.became_known, "with an outcome that has become known"),
            (self.corrected, "corrected"),
        ]
        told = [f"{count:,} {word}" for count, word in counts if count]
        return "records: " + ", ".join(told) if told else "no records"


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
    difference: Difference | None = None
    """What has changed since the last look as of the same time; None if there was none."""
    asked: bool = False
    """Whether its time window was asked for, and is not the workload's."""

    @property
    def told(self) -> str:
        """Return what was taken, in words: how much, and what differs from an earlier look."""
        state = "new" if self.is_new else "the same as before"
        taken = f"{self.manifest.rows:,} records, {state}"
        if self.difference is None:
            return taken
        return f"{taken}; changed since the last look as of then: {self.difference.told}"
