"""Reach MLflow: quietly, within the timeout, and with every fault told in one line.

MLflow is imported only here and only when it is asked: that takes more than a second.
"""

from __future__ import annotations

import logging
import math
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.addresses import without_credentials
from millrace.errors import RegistryError
from millrace.progress import say
from millrace.settings import Settings

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

_SQLITE = "sqlite:///"


def address(settings: Settings) -> str:
    """Return the tracking URI as people may see it: without credentials."""
    return without_credentials(settings.mlflow_tracking_uri)


def database_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite registry, or None for a server."""
    uri = settings.mlflow_tracking_uri
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def nothing_registered(settings: Settings) -> bool:
    """Return whether the registry is a SQLite file that nobody has made yet."""
    database = database_file(settings)
    return database is not None and not database.exists()


@contextmanager
def tracking(settings: Settings, *, writes: bool = False) -> Iterator[MlflowClient]:
    """Give a client of the registry; whatever goes wrong with it becomes a RegistryError.

    Args:
        settings: where the registry is, and how long it may take to answer.
        writes: whether something will be written.

    Raises:
        RegistryError: the registry does not answer, or not as expected.
    """
    database = database_file(settings)
    _set_environment(settings, local=database is not None)
    with _telling(settings):
        if database is not None:
            _make_ready(database, settings.timeout, writes=writes)
        from mlflow.tracking.client import MlflowClient

        _quieten()
        uri = settings.mlflow_tracking_uri
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)


def _set_environment(settings: Settings, *, local: bool) -> None:
    """Tell MLflow, which reads its environment at each call, how to behave.

    A request that fails is not tried again by MLflow: KFP tries the whole step again, and a
    registration may be repeated.
    """
    os.environ |= {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_DISABLE_AGENT_HINT": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(math.ceil(settings.timeout)),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    if local:
        # No connection is kept: the file may be replaced while this process lives.
        os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] = "NullPool"


def _quieten() -> None:
    """Silence loggers that print tracebacks of what is told in one line here."""
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _make_ready(database: Path, timeout: float, *, writes: bool) -> None:
    """Make the SQLite file if there is none; see that it can be used, as MLflow is slow to say."""
    if not database.exists():
        _create(database)
        return
    mode = "rw" if writes else "ro"
    with closing(
        sqlite3.connect(f"{database.as_uri()}?mode={mode}", uri=True, timeout=timeout)
    ) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if writes:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()


def _create(database: Path) -> None:
    """Let MLflow make its tables in a draft, which becomes the database once it is complete.

    A kill between two of MLflow's migrations would leave a file that it can no longer migrate.
    """
    from mlflow.tracking.client import MlflowClient

    _quieten()
    say("registry_created", where=str(database))
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=database.parent, prefix=".partial-") as folder:
        draft = Path(folder) / database.name
        uri = f"{_SQLITE}{draft}"
        with _unsynced():
            MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker
            os.link(draft, database)


@contextmanager
def _unsynced() -> Iterator[None]:
    """Let SQLite leave the disk its time: waiting for it is most of what a draft takes."""
    from sqlalchemy import Engine, event

    def leave(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", leave)
    try:
        yield
    finally:
        event.remove(Engine, "connect", leave)


@contextmanager
def _telling(settings: Settings) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_the_registrys(error):
            raise
        raise RegistryError(
            f"the model registry {_symptom(error, settings)}",
            where=address(settings),
            remedy=f"{_remedy(settings)}, then run again: nothing is half-registered",
        ) from error


def _is_the_registrys(error: Exception) -> bool:
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or module in ("mlflow", "requests", "sqlalchemy", "sqlite3")


def _symptom(error: BaseException, settings: Settings) -> str:
    """Return what a person needs to know of MLflow's message, as a clause."""
    text = " ".join(str(error).split())
    known = {
        "timed out": f"did not answer within {settings.timeout:g} s",
        "timeout": f"did not answer within {settings.timeout:g} s",
        "Connection refused": "refuses the connection",
        "NameResolutionError": "has a host name that cannot be resolved",
        "database is locked": f"was locked by another program for {settings.timeout:g} s",
        "file is not a database": "is no SQLite database",
        "500 error responses": "answers with HTTP status 500",
    }
    for sign, clause in known.items():
        if sign in text:
            return clause
    cause = re.search(r"\(Caused by (.*)\)$", text)
    line = without_credentials(cause[1] if cause else text, settings.mlflow_tracking_uri)
    return f"does not do as asked: {line[:300]}{'…' if len(line) > 300 else ''}"


def _remedy(settings: Settings) -> str:
    if database_file(settings) is None:
        return "see that it runs and MILLRACE_MLFLOW_URI names it"
    return "see that no other program holds the file, or restore it from a copy"
