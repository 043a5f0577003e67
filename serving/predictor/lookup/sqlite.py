"""Features from the SQLite file that Feast materializes to, read in the event loop.

Feast keeps one table a view, named PROJECT_VIEW, with a row for each entity and feature. Reading
never waits for a lock inside the event loop: a locked file is tried again between other requests.
"""

from __future__ import annotations

import asyncio
import calendar
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from millrace.features.lookup import LookupPlan
from serving.predictor.lookup.base import Key, OnlineStoreDown, Value, Values
from serving.predictor.lookup.reading import (
    ViewReading,
    empty_columns,
    is_expired,
    readings_of,
)

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.008
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_ROWS_AT_ONCE = 256
_KEPT = 64
_CACHE_KIB = 64 * 1024
"""What SQLite may hold of the file in memory; its own default reads most entities from the file."""


@dataclass(frozen=True)
class _Statement:
    """What reads some views, and what its rows mean, by the number that each begins with.

    Attributes:
        sql: the statement.
        readers: the decoder of each feature, by its name.
        aging: the view if it has a time to live; None altogether if no view has one.
    """

    sql: str
    readers: list[dict[str, Callable[[bytes], Value]]]
    aging: list[ViewReading | None] | None


class SqliteStore:
    """An online store in a SQLite file, which Feast may fill, replace or remove meanwhile."""

    def __init__(self, file: Path, plan: LookupPlan, timeout: float) -> None:
        """Set up, without opening the file.

        Args:
            file: the SQLite file.
            plan: the bundle's lookup plan.
            timeout: seconds that a read may wait for a lock.
        """
        self._file = file
        self._timeout = timeout
        self._views = readings_of(plan)
        self._tables = [_quoted(f"{plan.project}_{view.name}") for view in self._views]
        self._readers = [{field.name: field.read for field in v.fields} for v in self._views]
        self._aging = [view if view.ttl else None for view in self._views]
        self._statements: dict[tuple[tuple[int, ...], int], _Statement] = {}
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Open the file if it is there."""
        with contextlib.suppress(OnlineStoreDown, sqlite3.OperationalError):
            self._open()

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        """See `OnlineStore.read`."""
        if not self._turn.locked():
            try:
                return self._read(keys, views)
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise self._down(error) from error
            except sqlite3.DatabaseError as error:
                raise self._down(error) from error
        return await self._read_in_turn(keys, views)

    async def close(self) -> None:
        """Close the file."""
        self._close()

    async def _read_in_turn(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        """Read once the lock is gone; of all requests that wait, one tries."""
        try:
            async with asyncio.timeout(self._timeout), self._turn:
                pause = _FIRST_PAUSE
                while True:
                    try:
                        return self._read(keys, views)
                    except sqlite3.DatabaseError as error:
                        if not _is_busy(error):
                            raise self._down(error) from error
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
        except TimeoutError as error:
            raise OnlineStoreDown(
                f"the online store was locked for {self._timeout * 1000:g} ms",
                where=str(self._file),
            ) from error

    def _read(self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]) -> dict[str, Values]:
        connection = self._open()
        chosen = [self._views[place] for place in views]
        rows = [list(zip(*(keys[part] for part in v.parts), strict=True)) for v in chosen]
        count = len(rows[0]) if rows else 0
        found = empty_columns(chosen, count)
        try:
            for start in range(0, count, _ROWS_AT_ONCE):
                names = [
                    [view.key(row) for row in part[start : start + _ROWS_AT_ONCE]]
                    for view, part in zip(chosen, rows, strict=True)
                ]
                self._fill(connection, tuple(views), names, start, found)
        except (ValueError, IndexError, TypeError) as error:
            raise OnlineStoreDown(
                "the online store holds something that is no feature value",
                where=str(self._file),
                found=str(error),
            ) from error
        return found

    def _fill(
        self,
        connection: sqlite3.Connection,
        views: tuple[int, ...],
        names: list[list[bytes]],
        start: int,
        found: dict[str, Values],
    ) -> None:
        """Read some rows and put what is there into the columns.

        Args:
            connection: the open file.
            views: the views, as positions in the plan.
            names: by view, the entity's key of each row.
            start: place of the first of these rows in the columns.
            found: the columns.
        """
        length = 1 << (len(names[0]) - 1).bit_length()
        asking = self._statements.get((views, length)) or self._prepare(views, length)
        lacking = [None] * (length - len(names[0]))
        arguments = [key for part in names for key in (*part, *lacking)]
        rows = connection.execute(asking.sql, arguments)
        readers = asking.readers
        if asking.aging is None:
            for number, name, content in rows:
                read = readers[number].get(name)
                if read is not None:
                    found[name][start + number % length] = read(content)
            return
        for number, name, content, event in rows:
            read, view = readers[number].get(name), asking.aging[number]
            if read is not None and (view is None or not is_expired(view, _seconds(event))):
                found[name][start + number % length] = read(content)

    def _prepare(self, views: tuple[int, ...], length: int) -> _Statement:
        """Return what selects the values of some views for a number of rows, all at once.

        One statement is one lock of the file. It numbers the rows, those of one view after those of
        the other: a number is quicker to return and to find again than a key. There are few
        statements, so that SQLite keeps them prepared: lengths are powers of two, and a key that
        lacks is NULL, which finds nothing.
        """
        ages = any(self._views[place].ttl for place in views)
        parts = []
        for turn, place in enumerate(views):
            table, first = self._tables[place], turn * length
            since = "" if not ages else ", event_ts" if self._views[place].ttl else ", NULL"
            if length == 1:
                number, source, key = str(first), table, f"?{first + 1}"
            else:
                asked = ",".join(f"({n},?{n + 1})" for n in range(first, first + length))
                number, key = "asked.column1", "asked.column2"
                source = f"(VALUES {asked}) AS asked CROSS JOIN {table}"
            parts.append(
                f"SELECT {number}, feature_name, value{since} "  # noqa: S608
                f"FROM {source} WHERE entity_key = {key}"
            )
        made = _Statement(
            sql=" UNION ALL ".join(parts),
            readers=[self._readers[place] for place in views for _ in range(length)],
            aging=[self._aging[p] for p in views for _ in range(length)] if ages else None,
        )
        if len(self._statements) < _KEPT:
            self._statements[views, length] = made
        return made

    def _open(self) -> sqlite3.Connection:
        """Return the connection to the file that is there now.

        Raises:
            OnlineStoreDown: there is none, or it cannot be opened.
        """
        try:
            there = os.stat(self._file)  # noqa: PTH116
        except OSError as error:
            self._close()
            raise OnlineStoreDown(
                "the online store is not there",
                where=str(self._file),
                remedy="materialize features to it: run the workload",
            ) from error
        identity = (there.st_dev, there.st_ino)
        if self._connection is None or self._opened != identity:
            self._close()
            self._connection = self._connect()
            self._opened = identity
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        # Opened to write, for what a killed writer left must be rolled back before one can read;
        # `query_only` then refuses every change.
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self._file))}?mode=rw", uri=True, timeout=0, isolation_level=None
            )
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except sqlite3.DatabaseError as error:
            if _is_busy(error):  # the size of the cache cannot be set while the file is locked
                raise
            raise self._down(error) from error
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _down(self, error: sqlite3.Error) -> OnlineStoreDown:
        self._close()
        return OnlineStoreDown(
            f"the online store cannot be read: {error}",
            where=str(self._file),
            remedy="materialize features to it again",
        )


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return (error.sqlite_errorcode & 0xFF) in _BUSY


@lru_cache(1024)
def _seconds(stored: int) -> float:
    """Return a stored event time as seconds since 1970.

    Feast stores what the local clock would have to show for the time in UTC, and reads it back so.
    """
    return calendar.timegm(time.localtime(stored))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
