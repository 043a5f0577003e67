"""Feast's offline store over our Parquet tables: a point-in-time join that drops no row.

Feast's own store for files joins every entity row with every value its entity ever had, which a
year of hourly values makes too large for memory, and leaves out an entity row whose values are all
of a later time, with its values of other views. This one looks up the last value before each row.
Only Feast imports this module: it is named in the configuration of `millrace.features.connect`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob
from feast.repo_config import FeastConfigBaseModel
from pyarrow.fs import FileSystem, S3FileSystem

from millrace.features.definitions import EVENT_TIMESTAMP
from millrace.features.records import to_frame
from millrace.features.tables import TIMESTAMP

_ROW = "__row__"


class AsofOfflineStoreConfig(FeastConfigBaseModel):
    """Where the tables lie."""

    type: Literal["millrace.features.asof.AsofOfflineStore"]
    tables: str
    """Folder, or address in a bucket, that the paths of file sources are relative to."""
    endpoint: str = ""
    """Endpoint of an S3 service other than Amazon's."""
    timeout: float = 10.0
    """Seconds to wait for it."""
    since: datetime | None = None
    """Values that held since before this time are not looked up; None to look up all."""


class Retrieval(RetrievalJob):
    """A table that is computed when Feast asks for it."""

    def __init__(self, compute: Callable[[], pa.Table]) -> None:
        self._compute = compute

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002
        return self._compute()

    @property
    def full_feature_names(self) -> bool:
        """Return whether columns carry the name of their view: they never do."""
        return False

    @property
    def on_demand_feature_views(self) -> list[Any]:
        """Return on-demand views to compute: none."""
        return []

    @property
    def metadata(self) -> None:
        """Return nothing about the query."""
        return


class AsofOfflineStore(OfflineStore):
    """Feature rows in one Parquet file a view, each from its event_timestamp until the next."""

    @staticmethod
    def get_historical_features(
        config: Any,
        feature_views: list[Any],
        feature_refs: list[str],
        entity_df: Any,
        *_: Any,
        **__: Any,
    ) -> RetrievalJob:
        """Return entity rows, in their order, with what held at their event_timestamp."""

        def compute() -> pa.Table:
            rows = pa.Table.from_pandas(entity_df, preserve_index=False)
            for view in feature_views:
                prefix = f"{view.projection.name_to_use()}:"
                fields = [
                    ref.removeprefix(prefix) for ref in feature_refs if ref.startswith(prefix)
                ]
                keys = [column.name for column in view.entity_columns]
                values = _read(config, view.batch_source, [*keys, EVENT_TIMESTAMP, *fields])
                values = _since(values, config.offline_store.since)
                held = _holding(rows.select([*keys, EVENT_TIMESTAMP]), values, keys, view.ttl)
                for field in fields:
                    rows = rows.append_column(field, held[field])
            return rows

        return Retrieval(compute)

    @staticmethod
    def pull_all_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,  # noqa: ARG004
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Return all rows of a time range, both ends included."""

        def compute() -> pa.Table:
            columns = [*join_key_columns, timestamp_field, *feature_name_columns]
            table = _read(config, data_source, columns)
            times = table[timestamp_field]
            if start_date is not None:
                table = table.filter(pc.greater_equal(times, pa.scalar(start_date, TIMESTAMP)))
                times = table[timestamp_field]
            if end_date is not None:
                table = table.filter(pc.less_equal(times, pa.scalar(end_date, TIMESTAMP)))
            return table

        return Retrieval(compute)

    @staticmethod
    def pull_latest_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """Return the last row of each key in a time range, both ends included."""
        job = AsofOfflineStore.pull_all_from_table_or_query(
            config,
            data_source,
            join_key_columns,
            feature_name_columns,
            timestamp_field,
            created_timestamp_column,
            start_date,
            end_date,
        )

        def compute() -> pa.Table:
            table = job.to_arrow()
            rows = pa.array(range(len(table)), pa.int64())
            last = (
                table.select([*join_key_columns, timestamp_field])
                .append_column(_ROW, rows)
                .sort_by([(timestamp_field, "ascending")])
                .group_by(join_key_columns, use_threads=False)
                .aggregate([(_ROW, "last")])
            )
            return table.take(last[f"{_ROW}_last"])

        return Retrieval(compute)


def _read(config: Any, source: Any, columns: list[str]) -> pa.Table:
    settings: AsofOfflineStoreConfig = config.offline_store
    path = f"{settings.tables}/{source.path}"
    files: FileSystem | None = None
    if path.startswith("s3://"):
        path = path.removeprefix("s3://")
        scheme, _, host = settings.endpoint.rpartition("://")
        files = S3FileSystem(
            scheme=scheme or "https",
            endpoint_override=host or None,
            connect_timeout=settings.timeout,
            request_timeout=settings.timeout,
        )
    return pq.read_table(path, columns=columns, filesystem=files, partitioning=None)


def _since(values: pa.Table, start: datetime | None) -> pa.Table:
    if start is None:
        return values
    return values.filter(pc.greater_equal(values[EVENT_TIMESTAMP], pa.scalar(start, TIMESTAMP)))


def _holding(rows: pa.Table, values: pa.Table, keys: list[str], ttl: Any) -> pa.Table:
    """Return the values that held for each row, in the order of the rows; null where none did."""
    left = to_frame(rows.cast(pa.schema([values.schema.field(n) for n in rows.column_names])))
    left[_ROW] = range(len(left))
    order = [EVENT_TIMESTAMP]
    joined = pd.merge_asof(
        left.sort_values(order, kind="stable"),
        to_frame(values).sort_values(order, kind="stable"),
        on=EVENT_TIMESTAMP,
        by=keys,
        tolerance=pd.Timedelta(ttl) if ttl else None,
    )
    fields = [name for name in values.column_names if name not in (*keys, EVENT_TIMESTAMP)]
    ordered = joined.sort_values(_ROW, ignore_index=True)[fields]
    schema = pa.schema([values.schema.field(name) for name in fields])
    return pa.Table.from_pandas(ordered, schema=schema, preserve_index=False)
