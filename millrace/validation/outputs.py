"""Write what was accepted and what was not; a folder appears whole or not at all."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.digests import canonical_json
from millrace.files import disk_fault
from millrace.ingest.content import content_digest
from millrace.ingest.reader import POSITION, REASONS, SOURCE

_PAGE = 10_000


def write_accepted(records: pa.Table, folder: Path) -> None:
    """Write data.parquet and manifest.json with the number of rows and the content's digest.

    Raises:
        StoreError: the disk is full or not writable; the folder is not there.
    """
    with _whole(folder) as partial:
        pq.write_table(records, partial / "data.parquet", compression="zstd")
        _write_manifest(records, partial)


def write_quarantine(
    records: pa.Table, origin: pa.Table, reasons: pa.ListArray, folder: Path
) -> None:
    """Write records.parquet, the same as records.csv for people, and last manifest.json.

    The manifest tells the number of rows and the digest of records.parquet's content.

    Args:
        records: the broken records, as they came.
        origin: where each came from.
        reasons: for each a list of column, reason and value.
        folder: where to write.

    Raises:
        StoreError: the disk is full or not writable; the folder is not there.
    """
    table = (
        records.append_column(SOURCE, origin.column("source"))
        .append_column(POSITION, origin.column("position"))
        .append_column(REASONS, reasons)
    )
    with _whole(folder) as partial:
        pq.write_table(
            table, partial / "records.parquet", compression="zstd", use_compliant_nested_type=False
        )
        with (partial / "records.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.column_names)
            for start in range(0, table.num_rows, _PAGE):
                page = table.slice(start, _PAGE)
                columns = [page.column(name).to_pylist() for name in table.column_names[:-1]]
                told = [_told(reasons) for reasons in page.column(REASONS).to_pylist()]
                writer.writerows(zip(*columns, told, strict=True))
        _write_manifest(table, partial)


def _write_manifest(table: pa.Table, folder: Path) -> None:
    manifest = {"rows": table.num_rows, "digest": content_digest(table)}
    (folder / "manifest.json").write_bytes(canonical_json(manifest) + b"\n")


def _told(reasons: list[dict[str, str | None]]) -> str:
    return "; ".join(
        f"{reason['column']} {reason['reason']}" if reason["column"] else str(reason["reason"])
        for reason in reasons
    )


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Lend a folder beside the one wanted, which takes its place once it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
        try:
            yield partial
            partial.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise disk_fault(error, str(folder)) from error
