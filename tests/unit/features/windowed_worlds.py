"""A workload that learns from a window of its source, run from ingest to the training set."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from feature_worlds import DAY, START, World
from hypothesis import Phase, settings
from hypothesis import strategies as st

from millrace.dataset import DatasetManifest, assemble
from millrace.features import FeatureState, materialize
from millrace.ingest import ingest
from millrace.storage import Store
from millrace.validation import validate

HOUR = timedelta(hours=1)
NAMES = ("shop", "till", "at", "known", "amount", "delay", "late")
Row = dict[str, Any]
COSTLY = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""For tests whose every example runs the workload: to shrink one would take minutes."""

SPEC: dict[str, Any] = {
    "source": {"kind": "csv", "path": "data.csv"},
    "contract": {
        "columns": {
            "shop": {"type": "category"},
            "till": {"type": "integer"},
            "at": {"type": "timestamp"},
            "known": {"type": "timestamp", "nullable": True},
            "amount": {"type": "number", "nullable": True},
            "delay": {"type": "number", "nullable": True},
            "late": {"type": "boolean", "nullable": True},
        },
        "limits": {"quarantined": 0.9},
    },
    "entities": ["shop", "till"],
    "features": ["shop_delays", "till_delays", "shop_amount"],
    "request": ["shop", "amount"],
    "time": {
        "event": "at",
        "label_known": "known",
        "outcome": ["delay"],
        "window": "6d",
        "history": "3d",  # features look back over two days, and labels take one
    },
    "target": {"column": "late", "kind": "binary", "positive": "true"},
    "split": {"by": "time", "test": "2d", "validation": "1d", "roll": "1d"},
    "training": {"module": "model:Net"},
    "slices": ["shop"],
}
DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
till = Entity(name="till", join_keys=["till"], value_type=ValueType.INT64)


def view(name, entities, **fields):
    return FeatureView(
        name=name,
        entities=entities,
        schema=[Field(name=name, dtype=kind) for name, kind in fields.items()],
        source=FileSource(path=f"{name}.parquet", timestamp_field="event_timestamp"),
        ttl=timedelta(days=3),
    )


shop_delays = view("shop_delays", [shop], late_2d=Float64, known_12h=Int64)
till_delays = view("till_delays", [shop, till], delay_1d=Float64)
shop_amount = view("shop_amount", [shop], spent=Float64)
"""
FEATURES = """
from millrace.features import trailing


def shop_delays(records):
    return trailing(
        records,
        keys=["shop"],
        at="known",
        late_2d=("late", "mean", "2d"),
        known_12h=("late", "count", "12h"),
    )


def till_delays(records):
    return trailing(
        records, keys=["shop", "till"], at="known", delay_1d=("delay", "sum", "1d")
    )


def shop_amount(records):
    rows = records.groupby(["shop", "at"], as_index=False)["amount"].max()
    return rows.rename(columns={"at": "event_timestamp", "amount": "spent"})
"""


class Shops(World):
    """The workload, with what one run makes of its source."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, SPEC, DEFINITIONS, FEATURES, name="shops")

    def taken(self, rows: list[Row], as_of: datetime) -> Path:
        """Write the source, take it in and return what of it keeps the contract."""
        with (self.folder / "data.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, NAMES)
            writer.writeheader()
            writer.writerows(rows)
        snapshot = ingest(self.workload, self.store, as_of=as_of)
        accepted = self.root / "accepted"
        validate(
            self.workload,
            self.store.fetch(snapshot.key, self.root / "fetched"),
            as_of=as_of,
            usual_rows=None,
            previous=None,
            accepted=accepted,
            quarantine=self.root / "quarantine",
        )
        return accepted

    def brought(self, rows: list[Row], as_of: datetime, store: Store | None = None) -> FeatureState:
        """Run as far as the feature store."""
        accepted = self.taken(rows, as_of)
        return materialize(self.workload, accepted, store or self.store, self.settings, as_of=as_of)

    def run(self, rows: list[Row], as_of: datetime) -> DatasetManifest:
        """Run as far as the training set."""
        self.brought(rows, as_of)
        return assemble(
            self.workload,
            self.root / "accepted",
            self.root / "dataset",
            self.settings,
            self.store,
            as_of=as_of,
        )


def event(shop: str, till: int, hour: int, wait: int | None, delay: int) -> Row:
    """Return a record of an event; one without a wait has no outcome, ever."""
    at = START + hour * HOUR
    known = None if wait is None else at + wait * HOUR
    return {
        "shop": shop,
        "till": till,
        "at": at,
        "known": known,
        "amount": None if hour % 5 == 0 else hour % 7 / 4,
        "delay": None if known is None else delay / 4,
        "late": None if known is None else delay > 15,
    }


def steady(days: int) -> list[Row]:
    """Return events of every hour or two, so that every part has both classes."""
    return [event("a", n % 2, n, 1 + n % 5, 40 * (n // 3 % 2)) for n in range(0, days * 24, 3)]


def events(days: int) -> st.SearchStrategy[list[Row]]:
    """Return a strategy for events of so many days."""
    one = st.builds(
        event,
        st.sampled_from("abc"),
        st.integers(0, 2),
        st.integers(0, days * 24),
        st.none() | st.integers(0, 24),
        st.integers(-20, 60),
    )
    return st.lists(one, max_size=40)


def cut(rows: list[Row], at: datetime) -> list[Row]:
    """Return a source as it stood at a time."""
    unknown = {"known": None, "delay": None, "late": None}
    return [
        row if row["known"] is not None and row["known"] <= at else row | unknown
        for row in rows
        if row["at"] <= at
    ]


def days(number: float) -> datetime:
    """Return the time so many days after the first event."""
    return START + number * DAY
