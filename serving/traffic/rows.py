"""Where rows come from: entities of the offline tables, and training rows of what serves."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millrace.errors import ServingError
from millrace.export.manifest import OUTPUT
from serving.traffic.encoding import Row

if TYPE_CHECKING:
    from millrace.features.lookup import LookupPlan, ViewLookup
    from millrace.storage import Store

_DATATYPES = {"STRING": "BYTES", "INT32": "INT32", "INT64": "INT64"}
Entity = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True)
class Rows:
    """What requests are made of.

    Attributes:
        features: training rows of the bundle that serves, each with all features.
        brought: those of the features that no key finds, so requests by keys bring them too.
        entities: for each view that has keys of its own, its entities as (key, value) pairs.
        types: datatype of each feature and key by name.
    """

    features: Sequence[Row]
    entities: Sequence[Sequence[Entity]]
    types: dict[str, str]
    brought: Sequence[str] = ()

    def entity(self, dice: random.Random) -> Row:
        """Return the keys of an entity that the online store knows, in every view."""
        row: dict[str, str | int] = {}
        for known in self.entities:
            row.update(dict(dice.choice(known)) | row)
        return self._with_brought(row, dice)

    def stranger(self, dice: random.Random) -> Row:
        """Return keys that the online store does not know."""
        number = dice.randrange(2**31 - 2**20, 2**31)
        row = {
            name: f"unknown-{number}" if self.types[name] == "BYTES" else number
            for keys in self.entities
            for name, _ in keys[0]
        }
        return self._with_brought(row, dice)

    def _with_brought(self, keys: Row, dice: random.Random) -> Row:
        """Return keys with what requests bring beside them; a text that is both is the key."""
        if not self.brought:
            return keys
        some = dice.choice(self.features)
        return {name: some[name] for name in self.brought} | dict(keys)


def read_rows(store: Store, digest: str) -> Rows:
    """Return the rows of a bundle and of the feature tables that it reads.

    Raises:
        ServingError: the bundle is not in this store, or a table of it is not.
        MillraceError: what lies there cannot be read.
    """
    import pyarrow.parquet as pq

    from millrace.features.lookup import LookupPlan

    key = f"bundles/sha256/{digest}"
    if not store.exists(f"{key}/manifest.json"):
        raise ServingError(
            "the bundle that serves is not in this store",
            where=store.location(key),
            found="no manifest.json",
            remedy="check MILLRACE_HOME and MILLRACE_BUCKET",
        )
    place = f"{key}/lookup.json"
    plan = LookupPlan.parse(store.read_bytes(place), store.location(place))
    reference = pq.read_table(io.BytesIO(store.read_bytes(f"{key}/reference.parquet")))
    features = reference.drop_columns([OUTPUT])
    types = {
        field.name: "BYTES" if str(field.type) == "string" else "FP32" for field in features.schema
    }
    types |= {k.name: _DATATYPES[k.type] for view in plan.views for k in view.join_keys}
    rows = [{name: _known(value) for name, value in row.items()} for row in features.to_pylist()]
    found = {field.name for view in plan.views for field in view.fields}
    brought = [name for name in features.column_names if name not in found]
    return Rows(rows, _entities(store, plan), types, brought)


def _entities(store: Store, plan: LookupPlan) -> list[list[Entity]]:
    """Return the entities of the views, those with most keys first."""
    found: list[list[Entity]] = []
    covered: set[str] = set()
    for view in sorted(plan.views, key=lambda view: -len(view.join_keys)):
        keys = [key.name for key in view.join_keys]
        if not covered.issuperset(keys):
            found.append(_keys_of(store, plan.project, view))
            covered.update(keys)
    return found


def _keys_of(store: Store, workload: str, view: ViewLookup) -> list[Entity]:
    from millrace.features.offline import read_offline

    table = read_offline(store, workload, view)
    if table is None or not len(table):
        raise ServingError(
            f"the feature view {view.view!r} has no rows, so no entity is known",
            where=f"workload {workload}",
            remedy="fill it: `millrace run`",
        )
    names = [key.name for key in view.join_keys]
    distinct = table.select(names).group_by(names).aggregate([])
    return sorted(tuple(row.items()) for row in distinct.select(names).to_pylist())


def _known(value: Any) -> Any:
    """Return a value with None for missing, which JSON can say; the bundle says NaN or ''."""
    missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    return None if missing else value
