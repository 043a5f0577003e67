"""Batches: some CSV text held to a contract, with all that came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from millrace.ingest import ingest
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.validation import Finding, QualityReport, validate
from millrace.workload import Workload, load_workload

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Batch:
    """A batch that was validated."""

    report: QualityReport
    accepted: pa.Table
    quarantine: pa.Table
    folder: Path
    snapshot: Path

    def findings(self, column: str | None) -> list[Finding]:
        """Return what was found in a column, or in the batch and records as a whole."""
        return [finding for finding in self.report.findings if finding.column == column]

    def reasons(self) -> dict[int, list[tuple[str | None, str, str | None]]]:
        """Return the reasons of each quarantined record, by its line."""
        return {
            row["__position__"]: [tuple(reason.values()) for reason in row["__reasons__"]]
            for row in self.quarantine.to_pylist()
        }


def declared(
    folder: Path, columns: dict[str, Any], source: dict[str, Any] | None = None, **contract: Any
) -> Workload:
    """Declare a workload; columns `at` and `known` are its times."""
    spec = {
        "source": source or {"kind": "csv", "path": "data.csv"},
        "contract": {"columns": columns, "limits": {"quarantined": 1}, **contract},
        "entities": ["e"],
        "features": ["f"],
        "target": {"column": next(iter(columns)), "kind": "binary", "positive": "1"},
        "split": {"by": "hash"},
        "training": {"module": "model:Net"},
    }
    if "at" in columns:
        spec["time"] = {"event": "at"} | ({"label_known": "known"} if "known" in columns else {})
    document = {
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "Workload",
        "metadata": {"name": "sample"},
        "spec": spec,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workload.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return load_workload(folder)


def validated(
    workload: Workload,
    home: Path,
    *,
    previous: Path | None = None,
    usual_rows: int | None = None,
    as_of: datetime = AS_OF,
    window: tuple[datetime, datetime] | None = None,
) -> Batch:
    """Ingest a workload's source and validate the snapshot."""
    store = open_store(Settings(home=home / "store"))
    snapshot = store.fetch(ingest(workload, store, window=window).key, home)
    report = validate(
        workload,
        snapshot,
        as_of=as_of,
        usual_rows=usual_rows,
        previous=previous,
        accepted=home / "accepted",
        quarantine=home / "quarantine",
    )
    accepted = pq.read_table(home / "accepted" / "data.parquet")
    quarantine = pq.read_table(home / "quarantine" / "records.parquet")
    assert report.accepted + report.quarantined == report.parsed
    assert (report.accepted, report.quarantined) == (accepted.num_rows, quarantine.num_rows)
    assert accepted.column_names == list(workload.spec.contract.columns)
    return Batch(report, accepted, quarantine, home, snapshot)


Hold = Callable[..., Batch]


@pytest.fixture
def hold(tmp_path: Path) -> Hold:
    """Return a function that holds CSV text to the columns of a contract."""
    batches = iter(range(100))

    def held(content: str, columns: dict[str, Any], **options: Any) -> Batch:
        home = tmp_path / str(next(batches))
        ways = {"previous", "usual_rows", "as_of", "window"} & options.keys()
        contract = {key: value for key, value in options.items() if key not in ways}
        workload = declared(home / "workload", columns, **contract)
        (workload.folder / "data.csv").write_text(content)
        return validated(workload, home, **{key: options[key] for key in ways})

    return held


@pytest.fixture(scope="session")
def make_workload() -> Callable[..., Workload]:
    """Return the function that declares a workload in a folder."""
    return declared


@pytest.fixture(scope="session")
def hold_workload() -> Callable[..., Batch]:
    """Return the function that ingests and validates a workload."""
    return validated
