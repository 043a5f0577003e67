"""The history of the contents that a workload's source has shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median

from pydantic import ValidationError

from millrace.documents import Document
from millrace.errors import StoreError
from millrace.ingest.reader import Window
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

    @property
    def name(self) -> str:
        """Return its file's name, which sorts by time."""
        return f"{self.as_of:%Y%m%dT%H%M%S.%fZ}-{self.digest[:12]}.json"

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


def place(
    entries: list[Entry],
    digest: str,
    rows: int,
    window: Window | None,
    as_of: datetime | None,
    *,
    timed: bool,
) -> tuple[Entry, bool]:
    """Return a content's entry, and whether the content is new.

    The content that the newest entry shows is not new. Without a clock it keeps the time it was
    first seen at, so that nothing is computed again; with one, freshness and labels are asked for
    as of now, although nothing came in.

    Args:
        entries: the history, the oldest first.
        digest: the content.
        rows: its number of records.
        window: the time window it was taken for.
        as_of: when it was seen, in UTC; None for now, or a moment later if the newest entry is not
            in the past.
        timed: whether the workload has a clock.
    """
    newest = entries[-1].as_of if entries else datetime.min.replace(tzinfo=UTC)
    now = max(datetime.now(UTC).replace(microsecond=0), newest + timedelta(seconds=1))
    entry = Entry(digest=digest, as_of=as_of or now, rows=rows, window=window)
    known = [old for old in entries if old.as_of == newest and old.shows(entry)]
    return (known[0] if known and not timed else entry), not known


def before(entries: list[Entry], entry: Entry) -> list[Entry]:
    """Return the entries before one, the oldest first."""
    return [old for old in entries if old.as_of <= entry.as_of and old.name != entry.name]


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
