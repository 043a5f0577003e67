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
from millrace.workload import load_workload


def records_until(workload: Path, as_of: datetime) -> pd.DataFrame:
    """Return the accepted records of a workload as of a time."""
    declared = load_workload(workload)
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        home = Path(name)
        store = open_store(Settings(home=home))
        snapshot = ingest(declared, store, as_of=as_of)
        validate(
            declared,
            store.fetch(snapshot.key, home / "snapshot"),
            as_of=as_of,
            usual_rows=None,
            previous=None,
            accepted=home / "accepted",
            quarantine=home / "quarantine",
        )
        return read_records(home / "accepted", ["scheduled"])
