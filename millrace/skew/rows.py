"""Rows of events that can be held to the offline store, and why others cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from millrace.features.lookup import LookupPlan, ViewLookup
from millrace.features.online_state import OnlineView
from millrace.skew.events import Event, Value
from millrace.skew.timeline import Timeline

BROUGHT = "the request brought all features"
DEFAULTS = "defaults stood for the features"
NO_ORIGINS = "the event's sender does not know where features came from"
NO_KEYS = "the event tells no entity keys"
NO_BUNDLE = "the bundle that answered is not in the store"
NO_VIEW = "a feature view is no longer in the feature store"


@dataclass(frozen=True, eq=False)
class Row:
    """One row of an answered request.

    Attributes:
        request: the request's id.
        moment: when it was answered.
        bundle: digest of what answered.
        keys: its entity keys.
        stored: the features that came from the online store; None for missing.
        defaulted: whether defaults stood for others.
        known: whether its sender knows where features came from.
    """

    request: str
    moment: datetime
    bundle: str
    keys: Mapping[str, str | int]
    stored: Mapping[str, Value]
    defaulted: bool
    known: bool = True


@dataclass(frozen=True)
class Reading:
    """What a row read of one view, and as of when the view was online then."""

    row: Row
    view: ViewLookup
    online: OnlineView


def rows_of(event: Event) -> Iterator[Row]:
    """Yield the rows of an event."""
    data = event.data
    for place, instance in enumerate(data.instances):
        origins = {name: data.origin(name, place) for name in instance}
        keys = {name: values[place] for name, values in data.keys.items()}
        yield Row(
            data.id,
            event.time,
            data.parameters.bundle_digest,
            {name: value for name, value in keys.items() if value is not None},
            {name: value for name, value in instance.items() if origins[name] == "store"},
            "default" in origins.values(),
            data.origins is not None,
        )


def views_of(row: Row, plan: LookupPlan) -> list[ViewLookup]:
    """Return the views that a row's features were read from."""
    return [view for view in plan.views if any(field.name in row.stored for field in view.fields)]


def readings_of(row: Row, plan: LookupPlan | None, timeline: Timeline) -> list[Reading] | str:
    """Return what a row read of each view, or why it cannot be compared.

    Args:
        row: the row.
        plan: the lookup plan of the bundle that answered; None if nobody has it.
        timeline: what was online when.
    """
    if not row.known:
        return NO_ORIGINS
    if not row.stored:
        return DEFAULTS if row.defaulted else BROUGHT
    if plan is None:
        return NO_BUNDLE
    found = []
    for view in views_of(row, plan):
        if any(key.name not in row.keys for key in view.join_keys):
            return NO_KEYS
        online = timeline.at(view.view, row.moment)
        if isinstance(online, str):
            return online
        found.append(Reading(row, view, online))
    return found
