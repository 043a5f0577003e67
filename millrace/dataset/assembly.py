"""Assemble: what was known of each event when it happened, its label, and its part."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from millrace.dataset.history import as_held, values_at
from millrace.dataset.labels import (
    as_text,
    check_both_classes,
    check_parts,
    check_rows,
    known_labels,
)
from millrace.dataset.manifest import (
    EVENT_TIME,
    LABEL,
    LATE,
    PARTS,
    SLICE,
    DatasetManifest,
    Season,
    SplitRule,
)
from millrace.dataset.numbers import number_labels
from millrace.dataset.seasons import seasons_of
from millrace.dataset.split import assign_parts, known_in_time, split_rule
from millrace.digests import digest_of_json
from millrace.features.definitions import Definitions, load_definitions, lookup_plan
from millrace.features.records import read_records
from millrace.features.tables import TIMESTAMP, digest_of_rows
from millrace.progress import say
from millrace.settings import Settings
from millrace.storage import Store
from millrace.utc import in_utc
from millrace.workload.load import Workload
from millrace.workload.target import BinaryTarget


def assemble(
    workload: Workload,
    accepted: Path,
    out: Path,
    settings: Settings,
    store: Store,
    *,
    as_of: datetime,
) -> DatasetManifest:
    """Write a training set: train, validation and test.parquet, lookup.json and manifest.json.

    The features of a record are those that held at its event time; in an untimed workload, at the
    as-of time; those that requests bring are the record's own. Of a workload that says how far
    back a run looks, nothing older is looked up, whatever earlier runs have left behind. The
    manifest is written last, so a folder that has one is complete.

    Args:
        workload: the workload.
        accepted: folder of the accepted records.
        out: folder to write to.
        settings: where Feast's registry is.
        store: the object store, where the offline tables lie.
        as_of: the snapshot's as-of time; a label that became known later is left out.

    Raises:
        WorkloadError: the workload's definitions cannot be used.
        FeatureError: the features have not been materialized.
        StoreError: the offline tables cannot be read.
        DatasetError: no model can be trained and tested on these records.
    """
    as_of = in_utc(as_of)
    definitions = load_definitions(workload)
    keys = definitions.join_keys
    records = _labelled(workload, accepted, keys, as_of)
    rule = split_rule(workload.spec.split, as_of)
    parts = _parts(workload, records, keys, rule)
    rows = _rows(workload, records, keys)
    times = rows[EVENT_TIME] if workload.spec.time else None
    where = f"{workload.file} at split"
    if workload.spec.target.kind == "binary":
        check_parts(rows[LABEL].to_numpy(np.float32), parts, where)
    else:
        check_rows(parts, where)
    moments = as_of if times is None else times
    since = workload.spec.time.features_since(as_of) if workload.spec.time else None
    values = values_at(
        workload, definitions.stored, settings, store, rows[keys], moments, since=since
    )
    say("features_joined", rows=len(values), features=values.num_columns)
    for feature in definitions.brought:
        said = pa.chunked_array([pa.array(records[feature.name], from_pandas=True)])
        values = values.append_column(feature.name, said)
    table = _table(rows, values, definitions)
    tables = _in_parts(table, parts, [*([EVENT_TIME] if times is not None else []), *keys])
    out.mkdir(parents=True, exist_ok=True)
    for part, inside in tables.items():
        pq.write_table(inside, out / f"{part}.parquet")
    lookup_plan(workload, definitions).write(out / "lookup.json")
    seasons = [] if times is None else seasons_of(rule, times, rows[LABEL].to_numpy(np.float32))
    manifest = _manifest(workload, definitions, rule, tables, seasons)
    manifest.write(out / "manifest.json")
    say("dataset_written", **manifest.rows)
    return manifest


def _labelled(workload: Workload, accepted: Path, keys: list[str], as_of: datetime) -> pd.DataFrame:
    """Return the records whose label is known."""
    spec = workload.spec
    records = read_records(accepted, keys)
    since = spec.time.events_since(as_of) if spec.time else None
    if spec.time is not None and since is not None:
        records = records[records[spec.time.event] >= since]
    known = known_labels(records, spec.target, spec.time, as_of)
    records = records[known].reset_index(drop=True)
    say("labels_known", rows=len(records), left_out=int((~known).sum()))
    return records


def _parts(
    workload: Workload, records: pd.DataFrame, keys: list[str], rule: SplitRule
) -> npt.NDArray[np.str_]:
    """Return the part of each labelled record, or LATE; shape [n]."""
    time = workload.spec.time
    parts = assign_parts(rule, records[keys], records[time.event] if time else None)
    if time is None or time.label_known is None:
        return parts
    in_time = known_in_time(rule, parts, records[time.label_known])
    say("labels_in_time", rows=int(in_time.sum()), left_out=int((~in_time).sum()))
    return np.where(in_time, parts, LATE)


def _rows(workload: Workload, records: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return keys, event time, label and slices of labelled records."""
    spec = workload.spec
    labels = _labels(workload, records[spec.target.column])
    rows = records[keys].copy()
    if spec.time is not None:
        rows[EVENT_TIME] = records[spec.time.event]
    rows[LABEL] = labels
    for name in spec.slices:
        rows[SLICE + name] = as_text(records[name])
    return rows


def _labels(workload: Workload, found: pd.Series) -> npt.NDArray[np.float32]:
    """Return the labels as a dataset holds them; shape [n]."""
    target, where = workload.spec.target, f"{workload.file} at target"
    if not isinstance(target, BinaryTarget):
        return number_labels(found, target, where)
    classes = as_text(found)
    check_both_classes(classes, target, where)
    return np.asarray(classes == target.positive, dtype=np.float32)


def _table(rows: pd.DataFrame, values: pa.Table, definitions: Definitions) -> pa.Table:
    """Return all columns in their order and types: keys, time, features, label, slices."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for key in definitions.join_keys:
        columns[key] = pa.array(rows[key])
    if EVENT_TIME in rows:
        columns[EVENT_TIME] = pa.array(rows[EVENT_TIME], type=TIMESTAMP)
    for feature in definitions.features:
        columns[feature.name] = as_held(values[feature.name], feature)
    columns[LABEL] = pa.array(rows[LABEL], type=pa.float32())
    for name in rows.columns:
        if name.startswith(SLICE):
            columns[name] = pa.array(rows[name], type=pa.string())
    return pa.table(columns)


def _in_parts(
    table: pa.Table, parts: npt.NDArray[np.str_], order: list[str]
) -> dict[str, pa.Table]:
    """Return the rows of each part, and of none; where time and keys tie, other columns decide."""
    names = dict.fromkeys([*order, LABEL, *reversed(table.column_names)])
    by = [(name, "ascending") for name in names]
    return {part: table.filter(pa.array(parts == part)).sort_by(by) for part in (*PARTS, LATE)}


def _manifest(
    workload: Workload,
    definitions: Definitions,
    rule: SplitRule,
    tables: dict[str, pa.Table],
    seasons: list[Season],
) -> DatasetManifest:
    target = workload.spec.target
    positive = target.positive if isinstance(target, BinaryTarget) else None
    meaning = {
        "join_keys": definitions.join_keys,
        "features": [feature.model_dump() for feature in definitions.features],
        **({"kind": target.kind} if positive is None else {"positive": positive}),
        "slices": workload.spec.slices,
        "split": rule.model_dump(),
    }
    rows = {part: digest_of_rows(tables[part]) for part in PARTS}
    return DatasetManifest(
        digest=digest_of_json({**meaning, "rows": rows}),
        join_keys=definitions.join_keys,
        features=definitions.features,
        kind=target.kind,
        positive=positive,
        slices=workload.spec.slices,
        split=rule,
        rows={part: len(tables[part]) for part in PARTS},
        positives=None
        if positive is None
        else {part: int(pc.sum(tables[part][LABEL]).as_py()) for part in PARTS},
        seasons=seasons,
    )
