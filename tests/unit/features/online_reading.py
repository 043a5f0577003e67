"""Read an online store by Feast, and by a lookup plan alone, as a server without Feast does."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path
from typing import Any

import mmh3
from feature_worlds import World

from millrace.features import FeatureState, LookupPlan, load_definitions, lookup_plan
from millrace.features.connect import open_to_read
from millrace.features.lookup import ViewLookup

_KEY_TYPES = {"STRING": 2, "INT32": 3, "INT64": 4}
_NOT_SET = object()


def entity_key(view: ViewLookup, entity: dict[str, Any]) -> bytes:
    """Return an entity's key in version 3 of Feast's serialization."""
    names, values = [], []
    for key in view.join_keys:
        name, value = key.name.encode(), entity[key.name]
        names.append(struct.pack("<II", 2, len(name)) + name)
        form = {"INT32": "<i", "INT64": "<q"}.get(key.type)
        content = struct.pack(form, value) if form else value.encode()
        values.append(struct.pack("<II", _KEY_TYPES[key.type], len(content)) + content)
    return struct.pack("<I", len(names)) + b"".join(names) + b"".join(values)


def decoded(value: bytes, kind: str) -> Any:
    """Return what a serialized Feast value holds; None if nothing."""
    if not value:
        return None
    number, content = value[0] >> 3, value[1:]
    expected = {"STRING": 2, "INT32": 3, "INT64": 4, "DOUBLE": 5, "FLOAT": 6, "BOOL": 7}[kind]
    assert number == expected, f"field {number} for {kind}"
    if kind == "DOUBLE":
        return struct.unpack("<d", content)[0]
    if kind == "FLOAT":
        return struct.unpack("<f", content)[0]
    whole, rest = _varint(content)
    if kind == "STRING":
        return rest[:whole].decode()
    signed = whole - (1 << 64) if whole >> 63 else whole
    return bool(signed) if kind == "BOOL" else signed


def _varint(content: bytes) -> tuple[int, bytes]:
    number = 0
    for place, byte in enumerate(content):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, content[place + 1 :]
    raise AssertionError("the number has no end")


def read_sqlite(file: Path, plan: LookupPlan, entity: dict[str, Any]) -> dict[str, Any]:
    """Return an entity's features; views that do not hold it are left out."""
    found: dict[str, Any] = {}
    with sqlite3.connect(file) as connection:
        for view in plan.views:
            rows = dict(
                connection.execute(
                    f'SELECT feature_name, value FROM "{plan.project}_{view.view}" '
                    "WHERE entity_key = ?",
                    (entity_key(view, entity),),
                )
            )
            kinds = {field.name: field.type for field in view.fields}
            found |= {name: decoded(rows[name], kinds[name]) for name in kinds if name in rows}
    return found


def read_redis(
    content: dict[bytes, dict[bytes, bytes]], plan: LookupPlan, entity: dict[str, Any]
) -> dict[str, Any]:
    """Return an entity's features from what a Redis holds."""
    found: dict[str, Any] = {}
    for view in plan.views:
        row = content.get(entity_key(view, entity) + plan.project.encode(), {})
        for field in view.fields:
            place = struct.pack("<I", mmh3.hash(f"{view.view}:{field.name}", signed=False))
            if place in row:
                found[field.name] = decoded(row[place], field.type)
    return found


def by_feast(world: World, *entities: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what Feast itself says of entities online."""
    definitions = load_definitions(world.workload)
    names = [f"{feature.view}:{feature.name}" for feature in definitions.features]
    feast = open_to_read(world.workload, world.settings, world.store)
    answer = feast.get_online_features(features=names, entity_rows=list(entities)).to_dict()
    fields = [feature.name for feature in definitions.features]
    return [{name: answer[name][row] for name in fields} for row in range(len(entities))]


def by_plan(world: World, *entities: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the rows of the online store say, read by the lookup plan alone."""
    plan = lookup_plan(world.workload, load_definitions(world.workload))
    file = world.settings.feast_folder(world.name) / "online.db"
    return [read_sqlite(file, plan, entity) for entity in entities]


def changes(state: FeatureState) -> list[tuple[int, int, int]]:
    """Return rows, added and materialized rows of each view."""
    return [(view.rows, view.added, view.materialized) for view in state.views]
