"""Records: what each step of a run did, kept in the store for the summary and the report.

A step that KFP may reuse does not know which run asks for it, so its record lies under the
computation that it belongs to: all that its result depends on. The steps that always run record
under the run itself.
"""

from __future__ import annotations

import os
from typing import Any, Literal

from millrace.digests import digest_of_json
from millrace.documents import Document
from millrace.storage import Store

ENVIRONMENT = "MILLRACE_ENVIRONMENT"
"""Environment variable: digest of what is installed, where it is not an image that says so."""


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
    """The records under one folder of the store: of each step the last attempt, and what is done.

    An attempt never replaces what is done until it is done itself, because KFP goes on reusing
    the earlier result.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self.folder = folder

    def write(self, record: Record) -> None:
        """Write how a step's attempt stands."""
        content = record.model_dump_json(indent=2).encode()
        if record.outcome == "done":
            self._store.write_bytes(f"{self.folder}/{record.step}.json", content)
        self._store.write_bytes(f"{self.folder}/{record.step}.attempt.json", content)

    def read(self, step: str, since: str = "") -> Record | None:
        """Return a step's attempt since a time, else what was done before it; None if neither is.

        Args:
            step: name of the step.
            since: ISO 8601 time, in UTC, at which the run began.
        """
        attempt = self._read(f"{self.folder}/{step}.attempt.json")
        if attempt is not None and attempt.started >= since:
            return attempt
        return self._read(f"{self.folder}/{step}.json")

    def _read(self, key: str) -> Record | None:
        if not self._store.exists(key):
            return None
        return Record.model_validate_json(self._store.read_bytes(key))


def run_records(store: Store, run: str) -> Records:
    """Return the records of the steps that always run."""
    return Records(store, f"runs/{run}/records")


def computation_records(store: Store, *inputs: str) -> Records:
    """Return the records of a step that KFP may reuse.

    Args:
        store: the object store.
        inputs: what tells this computation from others: as-of time, code revision, and the
            digests of what goes in.
    """
    inputs = (*inputs, os.environ.get(ENVIRONMENT, ""))
    return Records(store, f"records/{digest_of_json(list(inputs))[:20]}")
