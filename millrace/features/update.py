"""What a run makes of a view's offline table: rows are added, corrected, or made anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from millrace.digests import digest_of_json
from millrace.features.definitions import EVENT_TIMESTAMP
from millrace.features.lookup import ViewLookup
from millrace.features.records import to_frame
from millrace.features.tables import TIMESTAMP, digest_of_rows, schema_of


@dataclass(frozen=True)
class Update:
    """What one run made of an offline table.

    Attributes:
        before: its rows before, sorted by join keys and event_timestamp.
        table: its rows now, sorted in the same way.
        added: how many of them are new or corrected.
        since: earliest event_timestamp that the online store may lack for it; None for none.
        removed: how many rows are no longer there.
        vanished: the join keys of which no row is left, a row each.
    """

    before: pa.Table
    table: pa.Table
    added: int
    since: datetime | None
    removed: int = 0
    vanished: pa.Table | None = None


def add_rows(old: pa.Table | None, rows: pa.Table, view: ViewLookup, as_of: datetime) -> Update:
    """Return an offline table with the new and the corrected of some rows.

    Rows with an event_timestamp take the place of those with the same keys and time. Rows without
    one are what holds as of now: they are added, as of that time, where they differ from the
    latest row of their key at or before it.

    Args:
        old: the table so far.
        rows: what the view's function computed.
        view: its join keys and fields.
        as_of: the as-of time, in UTC.
    """
    keys = [key.name for key in view.join_keys]
    fields = [field.name for field in view.fields]
    schema = schema_of(view)
    old = schema.empty_table() if old is None else old
    if EVENT_TIMESTAMP in rows.column_names:
        before, on = old, [*keys, EVENT_TIMESTAMP]
    else:
        before, on = _latest(old, keys, as_of).drop_columns([EVENT_TIMESTAMP]), keys
    new = rows.filter(pa.array(_differing(to_frame(rows), to_frame(before), on, fields)))
    if not len(new):
        return Update(old, old, 0, None)
    if EVENT_TIMESTAMP not in new.column_names:
        times = pa.array([as_of] * len(new), type=TIMESTAMP)
        new = new.append_column(schema.field(EVENT_TIMESTAMP), times)
    new = new.select(schema.names).cast(schema)
    kept = old.join(
        new.select([*keys, EVENT_TIMESTAMP]), [*keys, EVENT_TIMESTAMP], join_type="left anti"
    )
    both = pa.concat_tables([kept.select(schema.names).cast(schema), new])
    order = [(name, "ascending") for name in (*keys, EVENT_TIMESTAMP)]
    table = both.sort_by(order).combine_chunks()
    return Update(old, table, len(new), pc.min(new[EVENT_TIMESTAMP]).as_py())


def made_anew(
    old: pa.Table | None, rows: pa.Table, view: ViewLookup, period: tuple[datetime, datetime]
) -> Update:
    """Return an offline table whose rows of a period are those that were computed, and no others.

    Args:
        old: the table so far.
        rows: what the view's function computed, with event_timestamp.
        view: its join keys and fields.
        period: start and end, both included; rows of other times stay as they are.
    """
    keys = [key.name for key in view.join_keys]
    schema = schema_of(view)
    old = schema.empty_table() if old is None else old
    inside = _between(rows, period)
    update = add_rows(old, inside, view, period[1])
    on = [*keys, EVENT_TIMESTAMP]
    gone = _between(old, period).join(inside.select(on), on, join_type="left anti").select(on)
    if not len(gone):
        return update
    order = [(name, "ascending") for name in on]
    table = update.table.join(gone, on, join_type="left anti").select(schema.names).cast(schema)
    table = table.sort_by(order).combine_chunks()
    without = gone.select(keys).group_by(keys).aggregate([])
    left = _latest(table.join(without, keys, join_type="left semi"), keys, period[1])
    since = [update.since, pc.min(left[EVENT_TIMESTAMP]).as_py()]
    return Update(
        old,
        table,
        update.added,
        min((moment for moment in since if moment is not None), default=None),
        len(gone),
        without.join(left.select(keys), keys, join_type="left anti"),
    )


def _between(rows: pa.Table, period: tuple[datetime, datetime]) -> pa.Table:
    times = rows[EVENT_TIMESTAMP]
    start, end = (pa.scalar(moment, TIMESTAMP) for moment in period)
    return rows.filter(pc.and_(pc.greater_equal(times, start), pc.less_equal(times, end)))


def as_of_rows(table: pa.Table, as_of: datetime) -> pa.Table:
    """Return the rows that held at or before a time."""
    return table.filter(pc.less_equal(table[EVENT_TIMESTAMP], pa.scalar(as_of, TIMESTAMP)))


def digest_until(
    view: ViewLookup, table: pa.Table, until: datetime, since: datetime | None = None
) -> str:
    """Return the digest of what an offline table holds until a time, and of what it means.

    Args:
        view: what its columns mean.
        table: the offline table.
        until: the end, included.
        since: the start, included; None for the beginning.
    """
    held = as_of_rows(table, until) if since is None else _between(table, (since, until))
    rows = digest_of_rows(held)
    return digest_of_json({"lookup": view.model_dump(), "rows": rows})


def _latest(table: pa.Table, keys: list[str], as_of: datetime) -> pa.Table:
    order = [(name, "ascending") for name in (*keys, EVENT_TIMESTAMP)]
    held = as_of_rows(table, as_of).sort_by(order)
    if not len(held):
        return held
    codes = to_frame(held.select(keys)).groupby(keys, sort=False).ngroup().to_numpy()
    return held.filter(pa.array(np.append(codes[1:] != codes[:-1], [True])))


def _differing(
    rows: pd.DataFrame, before: pd.DataFrame, on: list[str], fields: list[str]
) -> npt.NDArray[np.bool_]:
    """Return which rows have no equal row before; missing equals missing. Shape [n]."""
    pairs = rows.merge(before, on=on, how="left", suffixes=("", "\0"), indicator="\0")
    differs = (pairs["\0"] == "left_only").to_numpy(dtype=np.bool_)
    for field in fields:
        now, then = pairs[field], pairs[field + "\0"]
        same = (now == then).fillna(False).to_numpy(dtype=np.bool_)
        differs |= ~(same | (now.isna() & then.isna()).to_numpy(dtype=np.bool_))
    return differs
