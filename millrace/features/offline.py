"""The offline table of a feature view: every value it ever had, and since when."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.errors import FeatureError
from millrace.features.lookup import ViewLookup
from millrace.features.tables import schema_of
from millrace.storage import Store


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
