"""A record of each materialization: until when the online store held what, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from millrace.documents import Document
from millrace.storage import Store


class OnlineView(Document):
    """One feature view that was brought online."""

    name: str
    until: datetime
    """Of each key, the newest value at or before this time is online."""
    digest: str
    """SHA-256 of what the offline table held at or before it, and of what its columns mean."""


class OnlineState(Document):
    """One materialization, from before its first write to after its last."""

    as_of: datetime
    online: str
    """The online store."""
    features: str
    """Digest of the feature state, as the run's report shows it."""
    views: list[OnlineView]
    started: datetime
    finished: datetime | None = None
    """None while it runs; it stays so if it broke off, and what is online is not known then."""


def online_folder(workload: str) -> str:
    """Return the key of the folder of a workload's records in the store."""
    return f"features/{workload}/online"


@contextmanager
def recorded(
    store: Store,
    workload: str,
    *,
    as_of: datetime,
    online: str,
    features: str,
    views: list[OnlineView],
) -> Iterator[None]:
    """Record that what happens inside brings views online: before it begins, and that it ended.

    Raises:
        StoreError: the store does not take the record.
    """
    began = OnlineState(
        as_of=as_of, online=online, features=features, views=views, started=datetime.now(UTC)
    )
    key = f"{online_folder(workload)}/{began.started:%Y%m%dT%H%M%S.%fZ}.json"
    store.write_json(key, began.model_dump(mode="json"))
    yield
    ended = began.model_copy(update={"finished": datetime.now(UTC)})
    store.write_json(key, ended.model_dump(mode="json"))


def broke_off(store: Store, workload: str) -> bool:
    """Return whether the last materialization did not come to its end.

    Raises:
        MillraceError: its record is damaged.
    """
    last = next(online_states(store, workload), None)
    return last is not None and last.finished is None


def online_states(store: Store, workload: str) -> Iterator[OnlineState]:
    """Yield the materializations of a workload, the newest first.

    Raises:
        MillraceError: a record is damaged.
    """
    folder = online_folder(workload)
    for name in reversed(store.names(folder)):
        if name.endswith(".json"):
            key = f"{folder}/{name}"
            remedy = "put back a copy, or delete it: what was served then is not compared"
            yield OnlineState.parse(store.read_bytes(key), store.location(key), remedy)
