"""Open the online store of the settings, guarded against a store that is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millrace.addresses import without_credentials
from millrace.errors import ServingError
from millrace.features.lookup import LookupPlan
from millrace.settings import Settings
from serving.predictor.lookup.base import OnlineStore
from serving.predictor.lookup.circuit import Circuit
from serving.predictor.lookup.sqlite import SqliteStore

if TYPE_CHECKING:
    from serving.predictor.lookup.resp import RedisPlace

_OPTIONS = {"db", "username", "password", "ssl", "ssl_ca_certs"}


def open_online_store(
    workload: str, plan: LookupPlan, settings: Settings, timeout: float
) -> OnlineStore:
    """Return the store that a workload's features are read from; it connects in `start`.

    Args:
        workload: name of the workload, which is the model's name too.
        plan: the bundle's lookup plan.
        settings: which store it is, and where.
        timeout: seconds that a read may take.

    Raises:
        ServingError: the settings or the plan cannot be used.
    """
    if settings.online_store == "sqlite":
        file = settings.feast_folder(workload) / "online.db"
        return Circuit(SqliteStore(file, plan, timeout))
    from serving.predictor.lookup.redis import RedisStore

    place = redis_place(settings.redis)
    try:
        return Circuit(RedisStore(plan, timeout, place))
    except OSError as error:
        raise ServingError(
            "the certificates for Redis cannot be read",
            where="MILLRACE_REDIS",
            found=f"{place.ca_certs!r}: {error.strerror or error}",
        ) from error


def redis_place(address: str) -> RedisPlace:
    """Return where a Redis is, from an address as Feast has it: `host:port[,key=value...]`.

    Raises:
        ServingError: it is none, or asks for something that lookups cannot do.
    """
    from serving.predictor.lookup.resp import RedisPlace

    places = [part for part in address.split(",") if "=" not in part]
    told = dict(part.split("=", 1) for part in address.split(",") if "=" in part)
    unknown = sorted(set(told) - _OPTIONS)
    if unknown:
        raise ServingError(
            "lookups do not know this option of Redis",
            where="MILLRACE_REDIS",
            found=unknown[0],
            expected=f"one of {', '.join(sorted(_OPTIONS))}",
        )
    try:
        host, _, port = places[0].partition(":")
        if not host:
            raise ValueError("no host")
        number, database = int(port or 6379), int(told.get("db", "0"))
    except (IndexError, ValueError) as error:
        raise ServingError(
            "the address of Redis cannot be read",
            where="MILLRACE_REDIS",
            found=without_credentials(",".join(places)),
            expected="host:port, or host:port,db=0,password=...",
        ) from error
    return RedisPlace(
        host,
        number,
        database,
        username=told.get("username", ""),
        password=told.get("password", ""),
        tls=told.get("ssl", "").lower() == "true",
        ca_certs=told.get("ssl_ca_certs", ""),
    )
