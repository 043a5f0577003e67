"""Records: what each step of a run did, kept in the store for the summary and the report.

A step that KFP may reuse does not know which run asks for it, so its record lies under the
computation that it belongs to: the same snapshot, as-of time and code. The steps that always run
record under the run itself, and name the computation.
"""

from __future__ import annotations

from typing import Any, Literal

from millrace.digests import digest_of_json
from millrace.documents import Document
from millrace.errors import StoreError
from millrace.storage import Store


class Record(Document):
    """One step's record."""

    step: str
    outcome: Literal["running", "done", "failed"]
    """A step that was killed leaves `running`."""
    started: str
    """ISO 8601, UTC."""
    seconds: float = 0.0
    note: str = ""
    """What came out, in a few words."""
    facts: dict[str, str] = {}
    """Whatever else the summary needs."""
    document: dict[str, Any] = {}
    """The step's document, as JSON."""
    failure: dict[str, str] | None = None
    """The fault, if the step failed: MillraceError.as_dict()."""


class Records:
    """The records under one folder of the store."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self.folder = folder

    def write(self, record: Record) -> None:
        """Write a step's record over the one that stood there."""
        self._store.write_bytes(self._key(record.step), record.model_dump_json(indent=2).encode())

    def read(self, step: str) -> Record | None:
        """Return a step's record, or None if it has not run."""
        try:
            return Record.model_validate_json(self._store.read_bytes(self._key(step)))
        except StoreError:
            return None

    def _key(self, step: str) -> str:
        return f"{self.folder}/{step}.json"


def run_records(store: Store, run: str) -> Records:
    """Return the records of the steps that always run."""
    return Records(store, f"runs/{run}/records")


def computation_records(store: Store, workload: str, *inputs: str) -> Records:
    """Return the records of the steps that KFP may reuse.

    Args:
        store: the object store.
        workload: name of the workload.
        inputs: what tells this computation from others: snapshot digest, as-of time, code
            revision and, from evaluation on, the champion's digest.
    """
    return Records(store, f"records/{workload}/{digest_of_json(list(inputs))[:16]}")
