"""A predictor whose online store, a SQLite file as Feast writes it, knows some pumps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from millrace.settings import Settings
from tests.integration.predictors import MODEL, Predictor, make_bundle, predictor

KNOWN = "p"
"""A pump whose pressure is 1.5, in the north."""
_PUMPS = {
    KNOWN: {"pressure": Value(double_val=1.5), "site": Value(string_val="north")},
    "0": {"pressure": Value(double_val=-3.0)},
    "north": {"pressure": Value(), "site": Value(string_val="größer")},
}
LOOKUPS = "millrace_predictor_lookup_duration_seconds_count"


@contextmanager
def predictor_with_store(folder: Path) -> Iterator[Predictor]:
    """Run a predictor that refuses requests which its online store does not answer for."""
    store = Settings(home=folder / "home").feast_folder(MODEL)
    store.mkdir(parents=True)
    _write(store / "online.db")
    bundle = make_bundle(folder / "bundle")
    with predictor(bundle, folder, "--online=fail", "--lookup-timeout=10s") as running:
        yield running


def _write(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            f'CREATE TABLE "{MODEL}_pump_state" (entity_key BLOB, feature_name TEXT, value BLOB,'
            " vector_value BLOB, event_ts timestamp, created_ts timestamp,"
            " PRIMARY KEY(entity_key, feature_name))"
        )
        connection.executemany(
            f'INSERT INTO "{MODEL}_pump_state" (entity_key, feature_name, value) VALUES (?, ?, ?)',
            [
                (_key(pump), name, value.SerializeToString())
                for pump, values in _PUMPS.items()
                for name, value in values.items()
            ],
        )


def _key(pump: str) -> bytes:
    key = EntityKey(join_keys=["pump"], entity_values=[Value(string_val=pump)])
    serialized: bytes = serialize_entity_key(key, entity_key_serialization_version=3)
    return serialized
