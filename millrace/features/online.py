"""Bring what is new in an offline table to the online store, by Feast's own materialization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from millrace.features.connect import online_file, online_name
from millrace.features.definitions import EVENT_TIMESTAMP, Definitions, View
from millrace.features.feast_import import import_feast, quiet
from millrace.features.records import to_frame
from millrace.features.tables import TIMESTAMP, digest_of_rows, schema_of
from millrace.features.update import Update
from millrace.progress import say
from millrace.settings import Settings
from millrace.workload.load import Workload

_ONLINE = "millrace.dev/online"
_TABLE = "millrace.dev/table"
_NEXT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Mark:
    """How far a view is online, as its tags and intervals in Feast's registry say.

    Attributes:
        online: the online store that it is in.
        table: digest of the offline table then; '' if it is not surely there.
        until: end of what was materialized last.
    """

    online: str
    table: str
    until: datetime | None


def marks_of(
    feast: Any, definitions: Definitions, workload: Workload, settings: Settings
) -> dict[str, Mark]:
    """Return how far each view is online in the store of the settings."""
    registered = {view.name: view for view in feast.list_feature_views()}
    online = online_name(settings)
    there = settings.online_store != "sqlite" or online_file(workload, settings).exists()
    marks = {}
    for view in definitions.views:
        known = registered.get(view.name)
        tags = known.tags if known is not None and there else {}
        until = known.most_recent_end_time if known is not None else None
        table = tags.get(_TABLE, "") if tags.get(_ONLINE) == online else ""
        marks[view.name] = Mark(online, table, until.astimezone(UTC) if until else None)
    return marks


def objects_of(definitions: Definitions, marks: dict[str, Mark]) -> list[Any]:
    """Return what to apply: the entities and views, their files under our names, and the marks."""
    feast = import_feast()
    views = []
    for view in definitions.views:
        written, mark = view.feast, marks[view.name]
        source = feast.FileSource(
            name=f"{view.name}_table",
            path=f"{view.name}.parquet",
            timestamp_field=EVENT_TIMESTAMP,
        )
        entities = [entity for entity in definitions.entities if entity.name in written.entities]
        keys = [
            feast.Field(name=entity.join_key, dtype=feast.types.from_value_type(entity.value_type))
            for entity in entities
        ]
        views.append(
            feast.FeatureView(
                name=view.name,
                entities=entities,
                schema=[*keys, *written.features],
                source=source,
                ttl=written.ttl or timedelta(0),
                description=written.description,
                owner=written.owner,
                tags={**written.tags, _ONLINE: mark.online, _TABLE: mark.table},
            )
        )
    return [*definitions.entities, *views]


def bring_online(
    feast: Any, view: View, update: Update, mark: Mark, as_of: datetime
) -> tuple[int, Mark]:
    """Materialize what the online store may lack of a view.

    Args:
        feast: the Feast store, to which the view is applied.
        view: the view.
        update: what this run made of its offline table.
        mark: how far it is online.
        as_of: until when to materialize.

    Returns:
        How many rows were written, and how far the view is online now.
    """
    table = digest_of_rows(update.table)
    end = online_until(mark, as_of)
    start = lacking_since(update, table, mark)
    rows = _latest_rows(update.table, view.keys, start, end) if start is not None else 0
    if rows and start is not None:
        with quiet():
            feast.materialize(start, end, [view.name])
        return rows, Mark(mark.online, table, end)
    return 0, Mark(mark.online, table, mark.until)


def forget_online(feast: Any, view: View, update: Update, as_of: datetime) -> None:
    """Take the values of keys that no longer have a row out of the online store.

    It happens before the offline table forgets them: a kill in between loses nothing.

    Args:
        feast: the Feast store, to which the view is applied.
        view: the view.
        update: what this run makes of its offline table.
        as_of: since when they have no value.
    """
    if update.vanished is None or not len(update.vanished):
        return
    rows = to_frame(update.vanished).assign(**{EVENT_TIMESTAMP: as_of})
    for field in schema_of(view.lookup):
        if field.name not in rows:
            rows[field.name] = None
    with quiet():
        # Feast's own write_to_online_store leaves out rows that have no value, without an error.
        provider = import_feast().infra.provider.get_provider(feast.config)
        provider.ingest_df(feast.get_feature_view(view.name), rows)
    say("features_forgotten", view=view.name, keys=len(rows))


def online_until(mark: Mark, as_of: datetime) -> datetime:
    """Return until when a view is online after a run as of a time: it never goes back."""
    return max(as_of, mark.until or as_of)


def lacking_since(update: Update, table: str, mark: Mark) -> datetime | None:
    """Return since when the online store may lack rows; None if there are none at all.

    Args:
        update: what this run made of the offline table.
        table: digest of the table now.
        mark: how far it is online.
    """
    if mark.until is not None and mark.table == table:
        return mark.until + _NEXT
    if mark.until is not None and mark.table == digest_of_rows(update.before) and update.since:
        return min(update.since, mark.until + _NEXT)
    earliest: datetime | None = pc.min(update.table[EVENT_TIMESTAMP]).as_py()
    return earliest


def _latest_rows(table: pa.Table, keys: list[str], start: datetime, end: datetime) -> int:
    times = table[EVENT_TIMESTAMP]
    within = pc.and_(
        pc.greater_equal(times, pa.scalar(start, TIMESTAMP)),
        pc.less_equal(times, pa.scalar(end, TIMESTAMP)),
    )
    return len(table.filter(within).select(keys).group_by(keys).aggregate([]))
