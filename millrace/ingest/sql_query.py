"""Read a query against a database that SQLAlchemy reaches."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from millrace.errors import SourceError, WorkloadError
from millrace.ingest.reader import Chunk, check_names
from millrace.ingest.snapshot import Window
from millrace.ingest.sql_values import SqlColumn
from millrace.progress import say
from millrace.settings import load_settings
from millrace.workload import Workload
from millrace.workload.source import SqlSource

if TYPE_CHECKING:
    from sqlalchemy import URL, TextClause

CHUNK_ROWS = 20_000
DAY = timedelta(days=1)
_FIRST, _LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PATIENCE = {
    "pysqlite": "timeout",
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "pg8000": "timeout",
    "pyodbc": "timeout",
}
"""What each driver calls the seconds it waits for a database to answer."""


class SqlReader:
    """A query; secrets in its URL come from the environment and are never told to anyone.

    The window that `:start` and `:end` are bound to is wider than the one asked for. A database
    compares them by rules of its own: SQLite as text, others in the session's time zone where a
    column has none, while the contract may name another. So the query only has to leave nothing
    out; `millrace.ingest.window.within` takes what the contract puts into the window.
    """

    def __init__(self, workload: Workload, window: Window | None) -> None:
        spec = workload.spec.source
        assert isinstance(spec, SqlSource)
        self._spec = spec
        self._workload = workload
        self._window = window
        self._rows = 0
        self._source = _without_secrets(spec.url)

    @property
    def source(self) -> str:
        """Return the URL as the workload declares it, its password hidden."""
        return self._source

    def fingerprint(self) -> str:
        """Return how many rows the query gave."""
        return f"rows:{self._rows}"

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records; see Reader.

        A database may mix types in a column, so its type is known once every row was seen: the
        columns are held as Arrow arrays until then.
        """
        url = self._expanded()
        with self._told_in_one_line(url):
            names, columns = self._read(url)
        arrays = [column.finish() for column in columns]
        table = pa.table(arrays, names=names)
        batches = table.to_batches(max_chunksize=CHUNK_ROWS)
        empty = pa.RecordBatch.from_pylist([], schema=table.schema)
        done = 0
        for batch in batches or [empty]:
            positions = pa.array(range(done + 1, done + batch.num_rows + 1), pa.int64())
            yield Chunk(batch, self._source, positions)
            done += batch.num_rows

    def _read(self, url: URL) -> tuple[list[str], list[SqlColumn]]:
        import sqlalchemy

        timeout = _PATIENCE.get(url.get_dialect().driver)
        seconds = max(1, round(load_settings().timeout))
        engine = sqlalchemy.create_engine(url, connect_args={timeout: seconds} if timeout else {})
        query, values = self._query(url)
        try:
            with engine.connect().execution_options(yield_per=CHUNK_ROWS) as connection:
                result = connection.execute(query, values)
                names = list(result.keys())
                check_names(names, self._source)
                columns = [SqlColumn() for _ in names]
                for rows in result.partitions(CHUNK_ROWS):
                    for column, part in zip(columns, zip(*rows, strict=True), strict=True):
                        column.add(part)
                    self._rows += len(rows)
                    say("source_read", done=self._rows, records=self._rows)
        finally:
            engine.dispose()
        return names, columns

    def _query(self, url: URL) -> tuple[TextClause, dict[str, Any]]:
        import sqlalchemy

        query = sqlalchemy.text(self._spec.query)
        wanted = set(query.compile().params)
        known: dict[str, Any] = {}
        if self._window:
            known = dict(zip(("start", "end"), _wider(self._window), strict=True))
        if url.get_backend_name() == "sqlite":
            # It has no type for times; how Python's driver spells them, any library may change.
            known = {name: moment.isoformat(" ") for name, moment in known.items()}
        unknown = sorted(wanted - known.keys())
        if unknown:
            raise WorkloadError(
                f"the query names :{unknown[0]}, which has no value",
                where=f"{self._workload.file} at spec.source.query",
                expected=":start and :end, with a time window",
                remedy=r"give the run a window, or write \: for a colon",
            )
        return query, {name: known[name] for name in wanted}

    def _expanded(self) -> URL:
        import sqlalchemy

        missing = [name for name in _VARIABLE.findall(self._spec.url) if name not in os.environ]
        if missing:
            raise SourceError(
                f"the environment variable {missing[0]} is not set",
                where=f"{self._workload.file} at spec.source.url",
                remedy=f"export {missing[0]}, then run again",
            )
        text = _VARIABLE.sub(lambda match: os.environ[match[1]], self._spec.url)
        try:
            url = sqlalchemy.make_url(text)
        except (sqlalchemy.exc.ArgumentError, ValueError) as error:
            raise SourceError(
                "is no SQLAlchemy URL",
                where=f"{self._workload.file} at spec.source.url",
                expected="DIALECT://USER:PASSWORD@HOST/DATABASE",
            ) from error
        return _in_folder(url, self._workload.folder)

    @contextmanager
    def _told_in_one_line(self, url: URL) -> Iterator[None]:
        import sqlalchemy

        try:
            yield
        except ModuleNotFoundError as error:
            raise SourceError(
                f"the driver {error.name} is not installed",
                where=self._source,
                remedy="install it beside millrace, or name another driver in the URL",
            ) from error
        except (sqlalchemy.exc.SQLAlchemyError, OSError, UnicodeDecodeError) as error:
            cause = str(getattr(error, "orig", None) or error)
            raise SourceError(
                f"the database does not answer as asked: {self._scrubbed(cause, url)}",
                where=self._source,
                remedy="check that it runs and is reachable, and spec.source in workload.yaml",
            ) from None

    def _scrubbed(self, message: str, url: URL) -> str:
        """Take out of a driver's message what came from the environment, and the password."""
        secrets = {os.environ[name] for name in _VARIABLE.findall(self._spec.url)}
        secrets |= {str(url.password or ""), *map(str, url.query.values())}
        for secret in sorted(secrets - {""}, key=len, reverse=True):
            message = message.replace(secret, "***")
        return message


def _wider(window: Window) -> Window:
    """Return the window with a day more at each end, from midnight to midnight in UTC.

    Local times are less than a day off; whole days are in order as text too, however a date and
    a time of day are joined.
    """
    start, end = window
    first = _midnight(start - DAY) if start - _FIRST > DAY else _FIRST
    last = _midnight(end + 2 * DAY - timedelta.resolution) if _LAST - end > 2 * DAY else _LAST
    return first, last


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _without_secrets(declared: str) -> str:
    """Return a URL as it was declared, but for a password and options that stand in it."""
    return re.sub(r"(?<=://)([^:/]*):.*@", r"\1:***@", declared).partition("?")[0]


def _in_folder(url: URL, folder: Path) -> URL:
    """Return the URL with a SQLite file taken from the workload's folder; it must exist.

    SQLite would make an empty database of a name that is misspelled.
    """
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
        return url
    file = folder / name
    if not file.is_file():
        raise SourceError(
            "the database file is missing",
            where=str(file),
            remedy="put it there, or mend spec.source.url in workload.yaml",
        )
    return url.set(database=str(file))
