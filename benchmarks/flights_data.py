"""Flights as the functions of features.py get them."""

from __future__ import annotations

import contextlib
import io
import tempfile
from datetime import datetime
from pathlib import Path

import pandas as pd

from millrace.features.records import read_records
from millrace.ingest import ingest
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.validation import validate
from millrace.workload import Workload, load_workload


def accepted_of(workload: Workload, as_of: datetime, home: Path) -> Path:
    """Take a workload's records as of a time into a home; return the accepted ones' folder."""
    store = open_store(Settings(home=home))
    snapshot = ingest(workload, store, as_of=as_of)
    validate(
        workload,
        store.fetch(snapshot.key, home / "snapshot"),
        as_of=as_of,
        usual_rows=None,
        previous=None,
        accepted=home / "accepted",
        quarantine=home / "quarantine",
    )
    return home / "accepted"


def records_until(workload: Path, as_of: datetime) -> pd.DataFrame:
    """Return the accepted records of a workload as of a time."""
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        return read_records(accepted_of(load_workload(workload), as_of, Path(name)), ["scheduled"])
