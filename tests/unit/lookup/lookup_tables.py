"""A small online store as Feast writes it to SQLite: one view of people, one of their tills."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup

PLAN = LookupPlan(
    project="shop",
    views=[
        ViewLookup(
            view="people",
            join_keys=[JoinKey(name="id", type="STRING")],
            fields=[LookupField(name="plan", type="STRING"), LookupField(name="age", type="INT64")],
        ),
        ViewLookup(
            view="fresh",
            join_keys=[JoinKey(name="id", type="STRING")],
            fields=[LookupField(name="spend", type="DOUBLE")],
            ttl_seconds=3600,
        ),
    ],
)


def person(name: str) -> bytes:
    """Return a key as Feast serializes it."""
    from feast.infra.key_encoding_utils import serialize_entity_key

    key = EntityKey(join_keys=["id"], entity_values=[Value(string_val=name)])
    return serialize_entity_key(key, entity_key_serialization_version=3)


def write_tables(file: Path, plan: str = "free", age_of_spend: float = 0.0) -> None:
    """Write a store that knows one person, `ann`."""
    with sqlite3.connect(file) as connection:
        for view in ("people", "fresh"):
            connection.execute(
                f'CREATE TABLE IF NOT EXISTS "shop_{view}" (entity_key BLOB, feature_name TEXT,'
                " value BLOB, value_text TEXT, vector_value BLOB, event_ts timestamp,"
                " created_ts timestamp, PRIMARY KEY(entity_key, feature_name))"
            )
        # As Feast does: the local time that reads like the time in UTC.
        stamp = int(time.mktime(time.gmtime(time.time() - age_of_spend)))
        put(connection, "people", "plan", Value(string_val=plan).SerializeToString(), stamp)
        put(connection, "people", "age", Value(int64_val=33).SerializeToString(), stamp)
        put(connection, "fresh", "spend", Value(double_val=1.5).SerializeToString(), stamp)
    connection.close()


def put(connection: sqlite3.Connection, view: str, name: str, value: bytes, stamp: int = 0) -> None:
    """Write one value of ann."""
    connection.execute(
        f'INSERT OR REPLACE INTO "shop_{view}" (entity_key, feature_name, value, event_ts)'
        " VALUES (?, ?, ?, ?)",
        (person("ann"), name, value, stamp),
    )
