"""Measure skew: hold all that was read from the online store to the offline store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache, partial

from millrace.errors import FeatureError, MillraceError
from millrace.features.connect import online_name
from millrace.features.lookup import LookupPlan
from millrace.features.online_state import online_states
from millrace.settings import Settings
from millrace.skew.compare import History, compare, offline_values
from millrace.skew.events import Event
from millrace.skew.report import FeatureSkew, SkewReport
from millrace.skew.rows import NO_VIEW, Reading, Row, readings_of, rows_of
from millrace.skew.stale import Stale, moved_on
from millrace.skew.timeline import MARGIN, Timeline, states_that_matter
from millrace.storage import Store
from millrace.workload import Workload


def measure(
    workload: Workload,
    events: Iterable[Event],
    settings: Settings,
    store: Store,
    margin: timedelta = MARGIN,
) -> SkewReport:
    """Return where features that were served differ from what the offline store says of them.

    What a request read from the online store must be what Feast's point-in-time join gives for the
    time until which the store stood then. What cannot be told is counted, with the reason.

    Args:
        workload: whose answers they are.
        events: what was served.
        settings: where Feast's registry is, and which online store is read.
        store: the object store: bundles, offline tables, records of materializations.
        margin: how far an event's time may be from when its features were read.

    Raises:
        MillraceError: there are no events, or what they are held to cannot be read.
    """
    rows = [row for event in events for row in rows_of(event)]
    if not rows:
        raise MillraceError(
            "there are no events of this workload, so nothing can be compared",
            where=workload.name,
            remedy="serve it with `millrace up`, ask it by entity keys, then measure again",
        )
    plans = cache(partial(_plan, store))
    timeline = _timeline(rows, workload, settings, store, plans, margin)
    placed = [readings_of(row, plans(row.bundle), timeline) for row in rows]
    left_out = Counter(found for found in placed if isinstance(found, str))
    views: dict[str, list[Reading]] = {}
    for reading in (one for found in placed if not isinstance(found, str) for one in found):
        views.setdefault(reading.view.model_dump_json(), []).append(reading)
    features: list[FeatureSkew] = []
    lost: set[Row] = set()
    stale = Stale()
    for readings in views.values():
        try:
            offline = offline_values(workload, readings, settings, store, margin)
        except FeatureError:
            lost.update(reading.row for reading in readings)
        else:
            history = History(workload.name, readings[0].view, store)
            features += compare(readings, offline, history)
            reach = timeline.reach(readings[0].view.view)
            stale.add(readings, moved_on(workload, readings, offline, reach, settings, store))
    left_out += Counter({NO_VIEW: len(lost)})
    return SkewReport(
        workload=workload.name,
        rows=len(rows),
        compared=len(rows) - left_out.total(),
        left_out=dict(left_out.most_common()),
        features=features,
        stale=stale.over(lost),
    )


def _plan(store: Store, bundle: str) -> LookupPlan | None:
    """Return the lookup plan of a bundle; None if it is not in the store."""
    key = f"bundles/sha256/{bundle}/lookup.json"
    if not store.exists(key):
        return None
    return LookupPlan.parse(store.read_bytes(key), store.location(key))


def _timeline(
    rows: Sequence[Row],
    workload: Workload,
    settings: Settings,
    store: Store,
    plans: Callable[[str], LookupPlan | None],
    margin: timedelta,
) -> Timeline:
    """Return what was online when the rows were served."""
    first = min(row.moment for row in rows) - margin
    read = [row for row in rows if row.stored]
    bundles = {row.bundle for row in read}
    views = {view.view for bundle in bundles if (plan := plans(bundle)) for view in plan.views}
    states = online_states(store, workload.name)
    return Timeline(states_that_matter(states, online_name(settings), views, first), margin)
