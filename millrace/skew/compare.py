"""Hold what was read of one view to the offline store, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from millrace.dataset.history import as_held, values_at
from millrace.dataset.manifest import Feature
from millrace.features.lookup import ViewLookup
from millrace.features.offline import read_offline
from millrace.features.update import digest_until
from millrace.settings import Settings
from millrace.skew.age import Ages, ages_of
from millrace.skew.events import Value
from millrace.skew.report import Example, FeatureSkew
from millrace.skew.rows import Reading
from millrace.storage import Store
from millrace.workload import Workload

EXAMPLES = 5
"""Examples that are kept of each feature."""


@dataclass(frozen=True)
class Offline:
    """What the offline store says of n readings of one view.

    Attributes:
        features: those that any reading has.
        values: n values of each, None for missing.
        ages: whether values had become too old when they were served.
    """

    features: list[Feature]
    values: dict[str, list[Value]]
    ages: Ages


def offline_values(
    workload: Workload,
    readings: Sequence[Reading],
    settings: Settings,
    store: Store,
    margin: timedelta,
) -> Offline:
    """Return what held for readings of one view at the time until which it was online.

    Raises:
        FeatureError: the view is not in the feature store.
        StoreError: the offline tables cannot be read.
    """
    view = readings[0].view
    read = {name for reading in readings for name in reading.row.stored}
    features = [
        Feature(
            name=field.name,
            view=view.view,
            kind="category" if field.type == "STRING" else "number",
        )
        for field in view.fields
        if field.name in read
    ]
    untils = [reading.online.until for reading in readings]
    return Offline(
        features,
        held_at(workload, readings, features, untils, settings, store),
        ages_of(workload.name, view, keys_of(readings), readings, store, margin),
    )


def held_at(
    workload: Workload,
    readings: Sequence[Reading],
    features: Sequence[Feature],
    times: Sequence[datetime],
    settings: Settings,
    store: Store,
) -> dict[str, list[Value]]:
    """Return what n features of a view were for readings of it, each at its time.

    Raises:
        FeatureError: the view is not in the feature store.
        StoreError: the offline tables cannot be read.
    """
    moments = pd.Series(pd.to_datetime(list(times), utc=True))
    table = values_at(workload, features, settings, store, keys_of(readings), moments)
    return {
        one.name: [_none_for_missing(value) for value in as_held(table[one.name], one).to_pylist()]
        for one in features
    }


def keys_of(readings: Sequence[Reading]) -> pd.DataFrame:
    """Return the join keys of readings of one view, a row each."""
    return pd.DataFrame(
        {
            key.name: pd.Series(
                [reading.row.keys[key.name] for reading in readings],
                dtype=object if key.type == "STRING" else key.type.capitalize(),
            )
            for key in readings[0].view.join_keys
        }
    )


class History:
    """Tells whether a view's offline table is still what it was when it was brought online."""

    def __init__(self, workload: str, view: ViewLookup, store: Store) -> None:
        """Take the view, without reading its table yet."""
        self._place = (store, workload, view)
        self._known: dict[tuple[datetime, str], bool] = {}

    def rewritten(self, reading: Reading) -> bool:
        """Return whether what it held at or before a reading's time has been changed since."""
        then = (reading.online.until, reading.online.digest)
        if then not in self._known:
            table = read_offline(*self._place)
            now = "" if table is None else digest_until(reading.view, table, then[0])
            self._known[then] = now != then[1]
        return self._known[then]


def compare(readings: Sequence[Reading], offline: Offline, history: History) -> list[FeatureSkew]:
    """Return where readings of one view differ from the offline store.

    Args:
        readings: what was served.
        offline: what the offline store says of it.
        history: whether the offline table is still what it was then.
    """
    return [_of_feature(one, readings, offline, history) for one in offline.features]


def _of_feature(
    feature: Feature, readings: Sequence[Reading], offline: Offline, history: History
) -> FeatureSkew:
    compared = differ = rewritten = 0
    examples: list[Example] = []
    values, ages = offline.values[feature.name], offline.ages
    for place, reading in enumerate(readings):
        if feature.name not in reading.row.stored:
            continue
        compared += 1
        served = _none_for_missing(reading.row.stored[feature.name])
        expected = None if ages.expired[place] else values[place]
        if served == expected or (served is None and ages.uncertain[place]):
            continue
        differ += 1
        rewritten += history.rewritten(reading)
        if len(examples) < EXAMPLES:
            examples.append(_example(reading, served, expected))
    return FeatureSkew(
        view=feature.view,
        name=feature.name,
        compared=compared,
        differ=differ,
        rewritten=rewritten,
        examples=examples,
    )


def _example(reading: Reading, served: Value, offline: Value) -> Example:
    row = reading.row
    return Example(
        keys={key.name: row.keys[key.name] for key in reading.view.join_keys},
        time=row.moment,
        request=row.request,
        served=served,
        offline=offline,
    )


def _none_for_missing(value: Value) -> Value:
    return None if value == "" or value != value else value  # noqa: PLR0124 - NaN is not itself
