"""Small workloads on a disk of their own: what a user writes, and what the platform made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from millrace.dataset import DatasetManifest, assemble
from millrace.features import FeatureState, LookupPlan, materialize
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload, load_workload

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

UNTIMED = {
    "source": {"kind": "csv", "path": "data.csv"},
    "contract": {
        "columns": {
            "id": {"type": "string"},
            "plan": {"type": "category", "nullable": True},
            "age": {"type": "integer", "nullable": True},
            "spend": {"type": "number", "nullable": True},
            "active": {"type": "boolean", "nullable": True},
            "left": {"type": "category", "nullable": True},
        }
    },
    "entities": ["person"],
    "features": ["person_profile", "person_money"],
    "target": {"column": "left", "kind": "binary", "positive": "yes"},
    "split": {"by": "hash", "test": 0.3, "validation": 0.2},
    "training": {"module": "model:Net"},
    "slices": ["plan", "age", "active"],
}
UNTIMED_DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float64, Int64, String

person = Entity(name="person", join_keys=["id"], value_type=ValueType.STRING)
person_profile = FeatureView(
    name="person_profile",
    entities=[person],
    schema=[Field(name="plan", dtype=String), Field(name="age", dtype=Int64)],
    source=FileSource(path="person_profile.parquet", timestamp_field="event_timestamp"),
)
person_money = FeatureView(
    name="person_money",
    entities=[person],
    schema=[Field(name="spend", dtype=Float64), Field(name="active", dtype=Bool)],
    source=FileSource(path="person_money.parquet", timestamp_field="event_timestamp"),
)
"""
UNTIMED_FEATURES = """
def person_profile(records):
    return records[["id", "plan", "age"]]


def person_money(records):
    return records[["id", "spend", "active"]]
"""

TIMED = {
    "source": {"kind": "csv", "path": "data.csv"},
    "contract": {
        "columns": {
            "shop": {"type": "string"},
            "till": {"type": "integer"},
            "at": {"type": "timestamp"},
            "known": {"type": "timestamp", "nullable": True},
            "amount": {"type": "number", "nullable": True},
            "late": {"type": "category", "nullable": True},
        }
    },
    "entities": ["shop", "till"],
    "features": ["shop_amount", "till_amount"],
    "time": {"event": "at", "label_known": "known"},
    "target": {"column": "late", "kind": "binary", "positive": "yes"},
    "split": {"by": "time", "test": "2d", "validation": "1d"},
    "training": {"module": "model:Net"},
}
TIMED_DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
till = Entity(name="till", join_keys=["till"], value_type=ValueType.INT64)
shop_amount = FeatureView(
    name="shop_amount",
    entities=[shop],
    schema=[Field(name="amount", dtype=Float64)],
    source=FileSource(path="shop_amount.parquet", timestamp_field="event_timestamp"),
)
till_amount = FeatureView(
    name="till_amount",
    entities=[shop, till],
    schema=[Field(name="till_most", dtype=Float64), Field(name="visits", dtype=Int64)],
    source=FileSource(path="till_amount.parquet", timestamp_field="event_timestamp"),
)
"""
TIMED_FEATURES = """
import pandas as pd


def shop_amount(records):
    rows = records.groupby(["shop", "at"], as_index=False)["amount"].sum(min_count=1)
    return rows.rename(columns={"at": "event_timestamp"})


def till_amount(records):
    rows = records.groupby(["shop", "till", "at"], as_index=False).agg(
        till_most=("amount", "max"), visits=("amount", "size")
    )
    # What a till took is known an hour later.
    return rows.assign(event_timestamp=rows.pop("at") + pd.Timedelta(hours=1))
"""

_ARROW = {
    "string": pa.string(),
    "category": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
}


@dataclass
class World:
    """One workload, its settings and its store; files are changed by writing them anew."""

    root: Path
    spec: dict[str, Any] = field(default_factory=lambda: UNTIMED)
    definitions: str = UNTIMED_DEFINITIONS
    features: str = UNTIMED_FEATURES
    name: str = "people"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write("definitions.py", self.definitions)
        self.write("features.py", self.features)
        self.write_spec()

    @property
    def folder(self) -> Path:
        return self.root / "workload"

    @property
    def settings(self) -> Settings:
        return Settings(**{"home": self.root / "home", **self.options})

    @property
    def store(self) -> Store:
        return open_store(self.settings)

    @property
    def workload(self) -> Workload:
        return load_workload(self.folder)

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)

    def write_spec(self, **changes: Any) -> None:
        document = {
            "apiVersion": "millrace.dev/v1alpha1",
            "kind": "Workload",
            "metadata": {"name": self.name},
            "spec": {**self.spec, **changes},
        }
        self.write("workload.yaml", yaml.safe_dump(document, sort_keys=False))

    def accept(self, records: list[dict[str, Any]]) -> Path:
        """Write accepted records as validation does, in the contract's types."""
        columns = self.workload.spec.contract.columns
        schema = pa.schema([(name, _ARROW[column.type]) for name, column in columns.items()])
        accepted = self.root / "accepted"
        accepted.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(records, schema), accepted / "data.parquet")
        return accepted

    def materialize(
        self,
        records: list[dict[str, Any]],
        as_of: datetime = START,
        protected: tuple[LookupPlan, ...] = (),
    ) -> FeatureState:
        return materialize(
            self.workload,
            self.accept(records),
            self.store,
            self.settings,
            as_of=as_of,
            protected=protected,
        )

    def assemble(self, records: list[dict[str, Any]], as_of: datetime = START) -> DatasetManifest:
        return assemble(
            self.workload,
            self.accept(records),
            self.root / "dataset",
            self.settings,
            self.store,
            as_of=as_of,
        )

    def part(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.root / "dataset" / f"{name}.parquet")

    def rows(self) -> pd.DataFrame:
        """Return the rows of all parts."""
        parts = [self.part(name) for name in ("train", "validation", "test")]
        return pd.concat(parts, ignore_index=True)

    def offline(self, view: str) -> list[dict[str, Any]]:
        file = self.settings.store_folder / f"features/{self.name}/offline/{view}.parquet"
        return pq.read_table(file).to_pylist()


def timed_world(root: Path) -> World:
    return World(root, TIMED, TIMED_DEFINITIONS, TIMED_FEATURES, name="shops")


def people(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Return records of the untimed workload, of both classes."""
    return [
        {
            "id": f"p{number}",
            "plan": ["free", "paid", None][number % 3],
            "age": None if number % 5 == 4 else 20 + number,
            "spend": None if number % 4 == 3 else number / 2,
            "active": [True, False, None][number % 3],
            "left": "yes" if number % 2 else "no",
            **changes,
        }
        for number in range(count)
    ]


def in_time(at: datetime, known: datetime | None, as_of: datetime) -> bool:
    """Return whether a label was known when the part of its event ended, 3 and 2 days back."""
    ends = (as_of - 3 * DAY, as_of - 2 * DAY, as_of)
    return known is not None and known <= next(end for end in ends if at <= end)


def visits(days: int, per_day: int = 4) -> list[dict[str, Any]]:
    """Return records of the timed workload: visits of two shops' tills, of both classes."""
    return [
        {
            "shop": "ab"[number % 2],
            "till": number % 3,
            "at": START + day * DAY + timedelta(hours=number),
            "known": START + day * DAY + timedelta(hours=number + 2),
            "amount": float(day * 10 + number),
            "late": "yes" if (day + number // 2) % 2 else "no",
        }
        for day in range(days)
        for number in range(per_day)
    ]
