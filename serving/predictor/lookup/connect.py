"""Open the online store of the settings, guarded against a store that is down."""

from __future__ import annotations

from typing import Any

from millrace.addresses import without_credentials
from millrace.errors import ServingError
from millrace.features.lookup import LookupPlan
from millrace.settings import Settings
from serving.predictor.lookup.base import OnlineStore
from serving.predictor.lookup.circuit import Circuit
from serving.predictor.lookup.sqlite import SqliteStore


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

    options = redis_options(settings.redis)
    where = f"{options['host']}:{options['port']}"
    return Circuit(RedisStore(plan, timeout, where=where, **options))


def redis_options(address: str) -> dict[str, Any]:
    """Return how redis-py connects to an address as Feast has it: `host:port[,key=value...]`.

    Raises:
        ServingError: it is none.
    """
    places = [part for part in address.split(",") if "=" not in part]
    told = dict(part.split("=", 1) for part in address.split(",") if "=" in part)
    try:
        host, _, port = places[0].partition(":")
        if not host:
            raise ValueError("no host")
        options: dict[str, Any] = {
            "host": host,
            "port": int(port or 6379),
            "db": int(told.get("db", "0")),
        }
    except (IndexError, ValueError) as error:
        raise ServingError(
            "the address of Redis cannot be read",
            where="MILLRACE_REDIS",
            found=without_credentials(",".join(places)),
            expected="host:port, or host:port,db=0,password=...",
        ) from error
    options |= {key: told[key] for key in ("username", "password", "ssl_ca_certs") if key in told}
    if told.get("ssl", "").lower() == "true":
        options["ssl"] = True
    else:
        options.pop("ssl_ca_certs", None)
    return options
