"""The reader of each source kind."""

from __future__ import annotations

from collections.abc import Callable

from millrace.ingest.csv_file import CsvReader
from millrace.ingest.parquet_files import ParquetReader
from millrace.ingest.reader import Reader
from millrace.ingest.snapshot import Window
from millrace.ingest.sql_query import SqlReader
from millrace.workload import Workload

READERS: dict[str, Callable[[Workload, Window | None], Reader]] = {
    "csv": CsvReader,
    "parquet": ParquetReader,
    "sql": SqlReader,
}


def open_reader(workload: Workload, window: Window | None) -> Reader:
    """Return the reader of a workload's source; nothing is opened yet."""
    return READERS[workload.spec.source.kind](workload, window)
