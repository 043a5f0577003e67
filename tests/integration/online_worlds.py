"""Workloads whose features are online, in SQLite or in a real Redis, for tests of reading them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "unit" / "features"))

from feature_worlds import World
from online_reading import by_feast

from tests.integration.redis_servers import running_redis

NOW = datetime.now(UTC).replace(microsecond=250_000)
SHOPS = ("ab", "c d", "Zürich", "店", 'O\'Neill "x"', "")
_SPEC: dict[str, Any] = {
    "source": {"kind": "csv", "path": "data.csv"},
    "contract": {
        "columns": {
            "shop": {"type": "string"},
            "till": {"type": "integer"},
            "code": {"type": "integer"},
            "at": {"type": "timestamp"},
            "known": {"type": "timestamp", "nullable": True},
            "amount": {"type": "number", "nullable": True},
            "kind": {"type": "category", "nullable": True},
            "open": {"type": "boolean", "nullable": True},
            "late": {"type": "category", "nullable": True},
        }
    },
    "entities": ["shop", "till", "code"],
    "features": ["shop_view", "till_view", "code_view", "fresh_view"],
    "time": {"event": "at", "label_known": "known"},
    "target": {"column": "late", "kind": "binary", "positive": "yes"},
    "split": {"by": "time", "test": "2d", "validation": "1d"},
    "training": {"module": "model:Net"},
}
_DEFINITIONS = """
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float32, Float64, Int32, Int64, String

shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
till = Entity(name="till", join_keys=["till"], value_type=ValueType.INT64)
code = Entity(name="code", join_keys=["code"], value_type=ValueType.INT32)


def view(name, entities, schema, **more):
    source = FileSource(path=f"{name}.parquet", timestamp_field="event_timestamp")
    return FeatureView(name=name, entities=entities, schema=schema, source=source, **more)


shop_view = view(
    "shop_view",
    [shop],
    [Field(name="kind", dtype=String), Field(name="open", dtype=Bool),
     Field(name="sum", dtype=Float64)],
)
till_view = view(
    "till_view",
    [till, shop],
    [Field(name="most", dtype=Float32), Field(name="visits", dtype=Int64)],
)
code_view = view("code_view", [code], [Field(name="small", dtype=Int32)])
fresh_view = view(
    "fresh_view", [shop], [Field(name="last", dtype=Float64), Field(name="word", dtype=String)],
    ttl=timedelta(days=1),
)
"""
_FEATURES = """
def _of(records, keys, **names):
    columns = {"at": "event_timestamp", **{old: new for new, old in names.items()}}
    return records[[*keys, "at", *names.values()]].rename(columns=columns).drop_duplicates(
        [*keys, "event_timestamp"]
    )


def shop_view(records):
    return _of(records, ["shop"], kind="kind", open="open", sum="amount")


def till_view(records):
    rows = _of(records, ["shop", "till"], most="amount").assign(visits=records["till"] * 7)
    return rows.assign(most=rows["most"].astype("float32"))


def code_view(records):
    rows = _of(records, ["code"], small="till")
    return rows.assign(small=rows["small"].clip(-9, 9).astype("int32"))


def fresh_view(records):
    return _of(records, ["shop"], last="amount", word="kind")
"""


def shops_world(root: Path, **options: Any) -> World:
    """Return a workload with keys and features of all types, one view with a time to live."""
    return World(root, _SPEC, _DEFINITIONS, _FEATURES, name="corner-shops", options=options)


def sales(scale: float = 1.0, count: int = 60) -> list[dict[str, Any]]:
    """Return records: the first half of the shops sold just now, the others days ago."""
    shops = [name for name in SHOPS if name]
    return [
        {
            "shop": shops[number % 5],
            "till": [0, 1, -1, 2**63 - 1, -(2**63)][number // 5 % 5] if number < 25 else number,
            "code": [0, 1, -1, 2**31 - 1, -(2**31)][number % 5],
            "at": NOW - timedelta(days=3 if number % 5 > 2 else 0, minutes=count - number + 1),
            "known": NOW,
            "amount": None if number % 7 == 3 else scale * (number + 0.1),
            "kind": ["free", "größer", None][number // 5 % 3],
            "open": [True, False, None][number % 3],
            "late": "yes" if number % 2 else "no",
        }
        for number in range(count)
    ]


__all__ = ["NOW", "SHOPS", "World", "by_feast", "running_redis", "sales", "shops_world"]
