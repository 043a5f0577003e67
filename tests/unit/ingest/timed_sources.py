"""Sources of events whose outcomes become known later, as a CSV file, Parquet file or database."""

from __future__ import annotations

import csv
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from millrace.workload import Workload, load_workload

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMES = ("id", "at", "known", "delay", "label")
SOURCES = {
    "csv": {"kind": "csv", "path": "events.csv"},
    "parquet": {"kind": "parquet", "path": "events.parquet"},
    "sql": {
        "kind": "sql",
        "url": "sqlite:///events.db",
        "query": "SELECT * FROM events WHERE at >= :start AND at < :end",
    },
}
CLOCK = {"event": "at", "label_known": "known", "outcome": ["delay"]}
Row = dict[str, Any]


def event(name: str, at: datetime, known: datetime | None, delay: int | None = 5) -> Row:
    """Return a record; without a time at which it is known it has no outcome."""
    delay = None if known is None else delay
    label = None if delay is None else "late" if delay > 15 else "on time"
    return {"id": name, "at": at, "known": known, "delay": delay, "label": label}


def declared(folder: Path, kind: str, *, unique: bool = True, **time: Any) -> Workload:
    """Declare a workload on `events`; `time` is added to what is said of the clock."""
    document = {
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "Workload",
        "metadata": {"name": "events"},
        "spec": {
            "source": SOURCES[kind],
            "contract": {
                "columns": {
                    "id": {"type": "string", "unique": unique},
                    "at": {"type": "timestamp"},
                    "known": {"type": "timestamp", "nullable": True},
                    "delay": {"type": "integer", "nullable": True},
                    "label": {"type": "category", "nullable": True},
                }
            },
            "entities": ["e"],
            "features": ["f"],
            "time": CLOCK | time,
            "target": {"column": "label", "kind": "binary", "positive": "late"},
            "split": {"by": "time", "test": "1d", "validation": "1d"},
            "training": {"module": "model:Net"},
        },
    }
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "workload.yaml").write_text(yaml.safe_dump(document))
    return load_workload(folder)


def write(workload: Workload, rows: list[Row]) -> Workload:
    """Write the source of a workload."""
    {"csv": _write_csv, "parquet": _write_parquet, "sql": _write_sql}[workload.spec.source.kind](
        workload.folder, rows
    )
    return workload


def _text(value: Any) -> Any:
    return value.isoformat(" ") if isinstance(value, datetime) else value


def _write_csv(folder: Path, rows: list[Row]) -> None:
    with (folder / "events.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(NAMES)
        writer.writerows([_text(row[name]) for name in NAMES] for row in rows)


def _write_parquet(folder: Path, rows: list[Row]) -> None:
    moment = pa.timestamp("us", "UTC")
    types = [pa.string(), moment, moment, pa.int64(), pa.string()]
    schema = pa.schema(list(zip(NAMES, types, strict=True)))
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "events.parquet")


def _write_sql(folder: Path, rows: list[Row]) -> None:
    with sqlite3.connect(folder / "events.db") as database:
        database.execute("DROP TABLE IF EXISTS events")
        database.execute(f"CREATE TABLE events ({', '.join(NAMES)})")
        database.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            [[_text(row[name]) for name in NAMES] for row in rows],
        )
    database.close()
