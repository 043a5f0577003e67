"""The history of the contents that a workload's source has shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median

from pydantic import ValidationError

from millrace.documents import Document
from millrace.errors import StoreError
from millrace.ingest.snapshot import Difference, Window
from millrace.storage import Store
from millrace.workload import Workload

USUAL = 10
"""How many earlier snapshots say what the usual volume is."""


class Entry(Document):
    """One content, when it was first seen."""

    digest: str
    as_of: datetime
    rows: int
    window: Window | None = None
    """The window that was asked for; None for that of the workload."""
    look: int = 0
    """How many contents had been seen as of the same time before."""
    difference: Difference | None = None
    """What has changed since the last look as of the same time."""

    @property
    def name(self) -> str:
        """Return its file's name, which sorts by time, and then by look."""
        return f"{self.as_of:%Y%m%dT%H%M%S.%fZ}-{self.look:04}-{self.digest[:12]}.json"

    def shows(self, other: Entry) -> bool:
        """Return whether both are the same content of the same window."""
        return (self.digest, self.window) == (other.digest, other.window)


def recall(store: Store, folder: str) -> list[Entry]:
    """Return all entries of a history folder, the oldest first.

    Raises:
        StoreError: an entry cannot be read, or the store does not answer.
    """
    names = [name for name in store.names(folder) if name.endswith(".json")]
    return [_read(store, f"{folder}/{name}") for name in sorted(names) if name[0] != "."]


def _read(store: Store, key: str) -> Entry:
    try:
        return Entry.model_validate_json(store.read_bytes(key))
    except ValidationError as error:
        raise StoreError(
            "is no entry of a snapshot history", where=store.location(key), remedy="delete the file"
        ) from error


def next_moment(entries: list[Entry]) -> datetime:
    """Return now, or a moment after the newest entry if that one is not in the past."""
    newest = entries[-1].as_of if entries else datetime.min.replace(tzinfo=UTC)
    return max(datetime.now(UTC).replace(microsecond=0), newest + timedelta(seconds=1))


def place(entries: list[Entry], shown: Entry, *, timed: bool) -> tuple[Entry, bool]:
    """Return the entry of a content that was seen, and whether the content is new.

    The content that the newest entry shows is not new. Without a clock it keeps the time it was
    first seen at, so that nothing is computed again; with one, freshness and labels are asked for
    as of now, although nothing came in. A content that is seen again as of the same time, while
    nothing else was in between, keeps its entry.

    Args:
        entries: the history, the oldest first.
        shown: the content, and as of when it was seen.
        timed: whether the workload has a clock.
    """
    newest = entries[-1].as_of if entries else None
    known = [old for old in entries if old.as_of == newest and old.shows(shown)]
    last = last_look(entries, shown)
    if last is not None and last.shows(shown):
        return last, not known
    if known and not timed and shown.as_of != newest:
        return known[-1], False
    look = sum(old.as_of == shown.as_of for old in entries)
    return shown.model_copy(update={"look": look}), not known


def before(entries: list[Entry], entry: Entry) -> list[Entry]:
    """Return the entries before one, the oldest first."""
    return [old for old in entries if old.as_of <= entry.as_of and old.name != entry.name]


def last_look(entries: list[Entry], entry: Entry) -> Entry | None:
    """Return the last entry as of the same time as one, for the same window."""
    same = [old for old in entries if (old.as_of, old.window) == (entry.as_of, entry.window)]
    return same[-1] if same else None


def difference_of(
    workload: Workload, store: Store, digest: str, as_of: datetime
) -> Difference | None:
    """Return what had changed when a content was seen, since the last look as of the same time."""
    entries = recall(store, f"snapshots/{workload.name}/history")
    seen = [entry for entry in entries if (entry.digest, entry.as_of) == (digest, as_of)]
    return seen[-1].difference if seen else None


def mark_accepted(workload: Workload, store: Store, digest: str) -> None:
    """Keep in mind that a content has kept its contract: only such contents say what is usual."""
    key = f"snapshots/{workload.name}/accepted/{digest}"
    if not store.exists(key):
        store.write_bytes(key, b"")


def comparable(entries: list[Entry], entry: Entry, accepted: set[str]) -> list[Entry]:
    """Return the entries before one that have kept the contract, for a window as long as its."""
    return [
        old
        for old in before(entries, entry)
        if old.digest in accepted and _length(old) == _length(entry)
    ]


def _length(entry: Entry) -> timedelta | None:
    return entry.window[1] - entry.window[0] if entry.window else None


def usual_rows(earlier: list[Entry]) -> int | None:
    """Return the median number of records of the last entries; None if there are none."""
    return round(median(entry.rows for entry in earlier[-USUAL:])) if earlier else None
