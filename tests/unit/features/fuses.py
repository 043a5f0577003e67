"""A process that dies at some write to the object store or to the online store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from feast.infra.online_stores.sqlite import SqliteOnlineStore

from millrace.storage import Store


class KilledError(BaseException):
    """The process was killed: nothing may catch it."""


class Fuse:
    """Counts writes down and kills before, or just after, the one at which none is left."""

    def __init__(self, writes: int, *, after: bool) -> None:
        self._left = writes
        self._after = after

    def around(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """Return a write that may be the last thing that happens, or be the first that does not."""

        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise KilledError
            done = write(*args, **kwargs)
            if self._left == 0:
                raise KilledError
            return done

        return guarded


class FusedStore:
    """An object store whose writes burn down a fuse."""

    def __init__(self, store: Store, fuse: Fuse) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        """Return what the store has."""
        found = getattr(self._store, name)
        return self._fuse.around(found) if name.startswith("write") else found


@contextmanager
def burning(store: Store, writes: int, *, after: bool) -> Iterator[Store]:
    """Yield a store; so many writes to it or to the online store later everything ends."""
    fuse = Fuse(writes, after=after)
    write = fuse.around(SqliteOnlineStore.online_write_batch)

    def online(self: SqliteOnlineStore, *args: Any, **kwargs: Any) -> None:
        write(self, *args, **kwargs)

    with mock.patch.object(SqliteOnlineStore, "online_write_batch", online):
        yield FusedStore(store, fuse)  # type: ignore[misc]
