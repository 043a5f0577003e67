"""The offline table of a feature view: every value it ever had, and since when."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from millrace.digests import digest_of_json
from millrace.errors import FeatureError
from millrace.features.definitions import EVENT_TIMESTAMP
from millrace.features.lookup import ViewLookup
from millrace.features.records import to_frame
from millrace.features.tables import TIMESTAMP, digest_of_rows, schema_of
from millrace.storage import Store


@dataclass(frozen=True)
class Update:
    """What one run made of an offline table.

    Attributes:
        before: its rows before, sorted by join keys and event_timestamp.
        table: its rows now, sorted in the same way.
        added: how many of them are new or corrected.
        since: earliest event_timestamp of those; None if there are none.
    """

    before: pa.Table
    table: pa.Table
    added: int
    since: datetime | None


def table_folder(workload: str) -> str:
    """Return the key of the folder of a workload's offline tables in the store."""
    return f"features/{workload}/offline"


def table_key(workload: str, view: str) -> str:
    """Return the key of a view's offline table in the store."""
    return f"{table_folder(workload)}/{view}.parquet"


def read_offline(store: Store, workload: str, view: ViewLookup) -> pa.Table | None:
    """Return a view's offline table, or None if there is none yet.

    Raises:
        FeatureError: the table has other columns than the view, or is damaged.
    """
    key = table_key(workload, view.view)
    if not store.exists(key):
        return None
    try:
        table = pq.read_table(io.BytesIO(store.read_bytes(key)))
    except (OSError, pa.ArrowInvalid) as error:
        raise FeatureError(
            f"the offline table is damaged: {str(error).splitlines()[0]}",
            where=store.location(key),
            remedy="put back a copy, or delete it to begin its history anew",
        ) from error
    if set(zip(table.schema.names, table.schema.types, strict=True)) != set(
        zip(schema_of(view).names, schema_of(view).types, strict=True)
    ):
        raise FeatureError(
            f"the feature view {view.view!r} has changed: its offline table has other columns",
            where=store.location(key),
            found=", ".join(table.schema.names),
            expected=", ".join(schema_of(view).names),
            remedy=f"give the view a new name, such as {view.view}_v2",
        )
    return table.select(schema_of(view).names).cast(schema_of(view))


def write_offline(store: Store, workload: str, view: ViewLookup, table: pa.Table) -> None:
    """Write a view's offline table; readers see the old one or the new one."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    store.write_bytes(table_key(workload, view.view), buffer.getvalue())


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


def as_of_rows(table: pa.Table, as_of: datetime) -> pa.Table:
    """Return the rows that held at or before a time."""
    return table.filter(pc.less_equal(table[EVENT_TIMESTAMP], pa.scalar(as_of, TIMESTAMP)))


def digest_until(view: ViewLookup, table: pa.Table, until: datetime) -> str:
    """Return the digest of what an offline table holds until a time, and of what it means."""
    rows = digest_of_rows(as_of_rows(table, until))
    return digest_of_json({"lookup": view.model_dump(), "rows": rows})


def _latest(table: pa.Table, keys: list[str], as_of: datetime) -> pa.Table:
    held = as_of_rows(table, as_of)
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
