"""Open a workload's feature store: its registry, its online store and our offline tables."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from millrace.addresses import without_credentials
from millrace.errors import FeatureError, StoreError
from millrace.features.definitions import project_of
from millrace.features.feast_import import import_feast, quiet
from millrace.features.offline import table_folder
from millrace.settings import Settings
from millrace.storage import Store
from millrace.workload.load import Workload

_OFFLINE = "millrace.features.asof.AsofOfflineStore"
_BATCH = 20_000


def online_name(settings: Settings) -> str:
    """Return what tells this online store from another, without secrets."""
    if settings.online_store == "redis":
        parts = [part for part in settings.redis.split(",") if "=" not in part]
        return "redis " + without_credentials(",".join(parts))
    return "sqlite"


def online_file(workload: Workload, settings: Settings) -> Path:
    """Return the SQLite file of a workload's online store."""
    return settings.feast_folder(workload.name) / "online.db"


def open_to_read(
    workload: Workload, settings: Settings, store: Store, *, since: datetime | None = None
) -> Any:
    """Return the workload's Feast store, for historical and online features.

    Args:
        workload: the workload.
        settings: where the online store and Feast's registry are.
        store: the object store, where the offline tables lie.
        since: historical features are not looked up in what held since before; None for all.

    Raises:
        FeatureError: nothing has been materialized there, or its registry cannot be read.
    """
    registry = settings.feast_registry or str(_registry_file(workload, settings))
    if not settings.feast_registry and not Path(registry).exists():
        raise FeatureError(
            "the feature store is empty", where=registry, remedy="run the step materialize first"
        )
    return _feast_store(workload, settings, store, registry, since)


@contextlib.contextmanager
def open_to_write(workload: Workload, settings: Settings, store: Store) -> Iterator[Any]:
    """Yield the workload's Feast store; what is done to a registry file holds if all went well.

    The work is done on a copy of the file, so a kill leaves the registry as it was, and nobody who
    reads it sees views that are being materialized, which Feast refuses to serve.

    Raises:
        FeatureError: another run writes to it, or its registry cannot be read.
        StoreError: the online store does not answer, or not as expected.
    """
    folder = settings.feast_folder(workload.name)
    folder.mkdir(parents=True, exist_ok=True)
    if settings.online_store == "redis":
        _expect_redis(settings)
    with _alone(folder / "lock"), _told(workload, settings):
        if settings.feast_registry:
            yield _feast_store(workload, settings, store, settings.feast_registry)
        else:
            registry, draft = _registry_file(workload, settings), folder / "registry.draft"
            draft.unlink(missing_ok=True)
            if registry.exists():
                shutil.copyfile(registry, draft)
            yield _feast_store(workload, settings, store, str(draft))
            draft.replace(registry)
        if settings.online_store == "sqlite":
            _let_read(online_file(workload, settings))


def _let_read(file: Path) -> None:
    """Let predictors read the online store while it is written, from the next time on.

    SQLite remembers in the file that it has a write-ahead log (https://sqlite.org/wal.html). Where
    it cannot have one, on a network file system, they wait for the writer's lock as before.
    """
    if file.exists():
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(file)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = WAL")


def _registry_file(workload: Workload, settings: Settings) -> Path:
    return settings.feast_folder(workload.name) / "registry.db"


def _feast_store(
    workload: Workload,
    settings: Settings,
    store: Store,
    registry: str,
    since: datetime | None = None,
) -> Any:
    feast = import_feast()
    online: dict[str, Any] = {
        "type": "sqlite",
        "path": str(online_file(workload, settings)),
    }
    if settings.online_store == "redis":
        online = {
            "type": "redis",
            "connection_string": _redis_address(settings),
            "skip_dedup": True,
        }
    is_sql = "://" in registry and not registry.startswith(("s3://", "gs://", "file://"))
    with quiet():
        try:
            config = feast.RepoConfig(
                project=project_of(workload),
                provider="local",
                registry={"registry_type": "sql" if is_sql else "file", "path": registry},
                online_store=online,
                offline_store={
                    "type": _OFFLINE,
                    "tables": store.location(table_folder(workload.name)),
                    "endpoint": settings.s3_endpoint,
                    "timeout": settings.timeout,
                    "since": since,
                },
                entity_key_serialization_version=3,
                materialization={"online_write_batch_size": _BATCH},
            )
            opened = feast.FeatureStore(config=config)
            opened.list_projects()
        except Exception as error:
            raise FeatureError(
                f"the Feast registry cannot be read: {_line(error, settings)}",
                where=without_credentials(settings.feast_registry)
                or str(_registry_file(workload, settings)),
                remedy="check MILLRACE_FEAST_REGISTRY; a damaged file may be deleted: the next "
                "run makes it anew",
            ) from error
    return opened


def _redis_address(settings: Settings) -> str:
    wait = f"{settings.timeout:g}"
    return f"{settings.redis},socket_timeout={wait},socket_connect_timeout={wait},retry=null"


def _expect_redis(settings: Settings) -> None:
    """Ask Redis for a sign of life before anything is computed."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    parts = _redis_address(settings).split(",")
    host, _, port = parts[0].partition(":")
    options = dict(part.split("=", 1) for part in parts if "=" in part)
    try:
        client = redis.Redis(
            host=host,
            port=int(port or 6379),
            password=options.get("password"),
            username=options.get("username"),
            ssl=options.get("ssl") == "true",
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            retry=Retry(NoBackoff(), 0),
        )
        client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise StoreError(
            f"the online store Redis does not answer: {_line(error, settings)}",
            where=online_name(settings),
            remedy="start it, or check MILLRACE_REDIS (host:port)",
        ) from error


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FeatureError(
                "another run of this workload materializes right now",
                where=str(lock),
                remedy="wait until it ends, then run again",
            ) from error
        yield


@contextlib.contextmanager
def _told(workload: Workload, settings: Settings) -> Iterator[None]:
    """Tell faults of the online store, and of the disk below it, as one line."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"the feature store does not do as asked: {_line(error, settings)}",
            where=str(settings.feast_folder(workload.name)),
            remedy="free space or mend access, then run again: it goes on where it stopped",
        ) from error
    except Exception as error:
        if not type(error).__module__.startswith(("redis", "sqlalchemy", "psycopg")):
            raise
        raise StoreError(
            f"the feature store does not answer: {_line(error, settings)}",
            where=online_name(settings),
            remedy="start it, then run again: it goes on where it stopped",
        ) from error


def _line(error: Exception, settings: Settings) -> str:
    """Return an exception's message in one line, without what opens the stores."""
    told = " ".join(str(error).split()) or type(error).__name__
    return without_credentials(told, settings.feast_registry, settings.redis)
