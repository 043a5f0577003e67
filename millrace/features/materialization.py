"""Materialize: compute features, keep them offline, and bring what is new to the online store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from millrace.digests import digest_of_json
from millrace.features.changes import check_protected, check_registered
from millrace.features.compute import compute_rows
from millrace.features.connect import online_name, open_to_write
from millrace.features.definitions import Definitions, View, load_definitions, lookup_plan
from millrace.features.feast_import import quiet
from millrace.features.lookup import LookupPlan
from millrace.features.offline import read_offline, table_key, write_offline
from millrace.features.online import (
    Mark,
    bring_online,
    forget_online,
    marks_of,
    objects_of,
    online_until,
)
from millrace.features.online_state import OnlineView, broke_off, recorded
from millrace.features.records import read_records
from millrace.features.state import FeatureState, ViewState
from millrace.features.update import Update, add_rows, digest_until, made_anew
from millrace.progress import say
from millrace.settings import Settings
from millrace.storage import Store
from millrace.utc import in_utc
from millrace.workload.load import Workload


def materialize(
    workload: Workload,
    accepted: Path,
    store: Store,
    settings: Settings,
    *,
    as_of: datetime,
    protected: Sequence[LookupPlan] = (),
) -> FeatureState:
    """Bring the features of accepted records to the offline and the online store.

    Whatever happens in between, the next run ends the same: rows that are there are not added
    again, and what is not surely online is brought there again.

    Args:
        workload: the workload.
        accepted: folder of the accepted records.
        store: the object store, where the offline tables lie.
        settings: where the online store and Feast's registry are.
        as_of: the snapshot's as-of time; in an untimed workload, since when new values hold.
        protected: lookup plans of the bundles that serve; what they read must not change.

    Raises:
        WorkloadError: the workload's definitions cannot be used.
        FeatureError: its functions fail or return what their views cannot hold, or a view that
            exists has changed.
        StoreError: the object store or the online store does not do as asked.
    """
    as_of = in_utc(as_of)
    definitions = load_definitions(workload)
    check_protected(lookup_plan(workload, definitions), protected, workload)
    # It is over once Feast's registry says so too: a run that died before brings all again.
    with ExitStack() as over, open_to_write(workload, settings, store) as feast:
        check_registered(feast, definitions, workload)
        updates = _updates(workload, definitions, accepted, store, as_of)
        digests = _digests(workload, definitions, updates, as_of)
        marks = marks_of(feast, definitions, workload, settings)
        if broke_off(store, workload.name):
            marks = {name: replace(mark, table="") for name, mark in marks.items()}
        with quiet():
            feast.apply(objects_of(definitions, marks))
        record = recorded(
            store,
            workload.name,
            as_of=as_of,
            online=online_name(settings),
            features=digest_of_json(list(digests.values())),
            views=_online(definitions, updates, marks, as_of),
        )
        over.enter_context(record)
        for view in definitions.views:
            forget_online(feast, view, updates[view.name], as_of)
            _write_offline(workload, view, updates[view.name], store)
        brought = {}
        for view in definitions.views:
            rows, marks[view.name] = bring_online(
                feast, view, updates[view.name], marks[view.name], as_of
            )
            brought[view.name] = rows
            say("features_online", view=view.name, rows=rows)
        with quiet():
            feast.apply(objects_of(definitions, marks))
    return _state(definitions, updates, brought, digests)


def _updates(
    workload: Workload, definitions: Definitions, accepted: Path, store: Store, as_of: datetime
) -> dict[str, Update]:
    """Compute the rows of all views before any is written."""
    time = workload.spec.time
    order = [*([time.event] if time else []), *definitions.join_keys]
    records = read_records(accepted, order)
    say("records_read", rows=len(records))
    since = time.features_since(as_of) if time else None
    updates = {}
    for view in definitions.views:
        rows = compute_rows(workload, view, records)
        old = read_offline(store, workload.name, view.lookup)
        if since is not None:
            updates[view.name] = made_anew(old, rows, view.lookup, (since, as_of))
        else:
            updates[view.name] = add_rows(old, rows, view.lookup, as_of)
        say("features_computed", view=view.name, rows=len(rows), new=updates[view.name].added)
    return updates


def _write_offline(workload: Workload, view: View, update: Update, store: Store) -> None:
    changed = update.added or update.removed
    if changed or not store.exists(table_key(workload.name, view.name)):
        write_offline(store, workload.name, view.lookup, update.table)


def _digests(
    workload: Workload, definitions: Definitions, updates: dict[str, Update], as_of: datetime
) -> dict[str, str]:
    """Return the digest of what training as of a time can see of each view."""
    since = workload.spec.time.features_since(as_of) if workload.spec.time else None
    return {
        view.name: digest_until(view.lookup, updates[view.name].table, as_of, since)
        for view in definitions.views
    }


def _online(
    definitions: Definitions,
    updates: dict[str, Update],
    marks: dict[str, Mark],
    as_of: datetime,
) -> list[OnlineView]:
    """Return until when each view is online once it has been brought there."""
    found = []
    for view in definitions.views:
        until = online_until(marks[view.name], as_of)
        digest = digest_until(view.lookup, updates[view.name].table, until)
        found.append(OnlineView(name=view.name, until=until, digest=digest))
    return found


def _state(
    definitions: Definitions,
    updates: dict[str, Update],
    brought: dict[str, int],
    digests: dict[str, str],
) -> FeatureState:
    views = [
        ViewState(
            name=view.name,
            rows=len(updates[view.name].table),
            added=updates[view.name].added,
            materialized=brought[view.name],
            digest=digests[view.name],
        )
        for view in definitions.views
    ]
    return FeatureState(views=views, digest=digest_of_json([view.digest for view in views]))
