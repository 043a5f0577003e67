"""How stale what was served was: its age when it was asked for, and whether that mattered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from statistics import median

from millrace.settings import Settings
from millrace.skew.compare import Offline, held_at
from millrace.skew.report import Staleness
from millrace.skew.rows import Reading, Row
from millrace.storage import Store
from millrace.workload import Workload

_NOW = 0.0
"""Age of what was online as of the moment asked, or later."""


def moved_on(
    workload: Workload,
    readings: Sequence[Reading],
    offline: Offline,
    reach: datetime | None,
    settings: Settings,
    store: Store,
) -> list[bool | None]:
    """Return of which readings of a view another value held by the time they were asked for.

    Both values are the offline store's, so that what was served wrongly does not count as stale.

    Args:
        workload: the workload.
        readings: what was served.
        offline: what held at the time until which it was online.
        reach: until when the view has been materialized by now.
        settings: where Feast's registry is.
        store: the object store, where the offline tables lie.

    Returns:
        One a reading; None if it is not known yet.

    Raises:
        FeatureError: the view is not in the feature store.
        StoreError: the offline tables cannot be read.
    """
    found: list[bool | None] = [None] * len(readings)
    known = [n for n, one in enumerate(readings) if reach is not None and one.row.moment <= reach]
    if not known:
        return found
    asked = [readings[place] for place in known]
    moments = [reading.row.moment for reading in asked]
    fresh = held_at(workload, asked, offline.features, moments, settings, store)
    for row, place in enumerate(known):
        names = [name for name in fresh if name in readings[place].row.stored]
        found[place] = any(_moved(offline, name, place, fresh[name][row]) for name in names)
    return found


def _moved(offline: Offline, name: str, place: int, fresh: object) -> bool:
    if fresh is None and offline.ages.uncertain[place]:
        return False
    held = None if offline.ages.expired[place] else offline.values[name][place]
    return held != fresh


class Stale:
    """Gathers, view by view, how old what each row was served was."""

    def __init__(self) -> None:
        """Begin without a row."""
        self._ages: dict[Row, float] = {}
        self._moved: defaultdict[Row, set[bool | None]] = defaultdict(set)

    def add(self, readings: Sequence[Reading], moved: Sequence[bool | None]) -> None:
        """Add readings of one view, and of which of them another value held by then."""
        for reading, other in zip(readings, moved, strict=True):
            row = reading.row
            age = (row.moment - reading.online.until).total_seconds()
            self._ages[row] = max(age, self._ages.get(row, _NOW))
            self._moved[row].add(other)

    def over(self, lost: Collection[Row]) -> Staleness | None:
        """Return how stale the rows were, but for those that were not compared; None if none is."""
        rows = [row for row in self._ages if row not in lost]
        if not rows:
            return None
        ages = [self._ages[row] for row in rows]
        other = sum(True in self._moved[row] for row in rows)
        settled = sum(None not in self._moved[row] or True in self._moved[row] for row in rows)
        return Staleness(
            median_seconds=median(ages),
            greatest_seconds=max(ages),
            other=other,
            unknown=len(rows) - settled,
        )
