"""The shell around a step: it lends what the step needs and leaves a record, come what may."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from millrace.documents import Document
from millrace.errors import MillraceError, StoreError
from millrace.files import disk_fault
from millrace.progress import say
from millrace.runs.limits import end_after_timeout, end_with_parent
from millrace.runs.records import Record, Records, computation_records, run_records
from millrace.settings import Settings, load_settings
from millrace.storage import Store, open_store
from millrace.workload import Workload, load_workload


@dataclass
class Step:
    """What a step works with, and what it leaves behind."""

    name: str
    folder: str
    settings: Settings
    store: Store
    note: str = ""
    document: Document | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def workload(self) -> Workload:
        """Return the declared workload; it is read when a step first asks for it."""
        return load_workload(self.folder)

    def snapshot(self, digest: str, scratch: str) -> Path:
        """Return the folder of one of the workload's snapshots, fetched into scratch if remote."""
        key = f"snapshots/{self.workload.name}/{digest}"
        return self.store.fetch(key, Path(scratch) / digest)


@contextmanager
def step(
    name: str, workload: str, *, run: str = "", computation: tuple[str, ...] = ()
) -> Iterator[Step]:
    """Run a step: lend it the platform, tell of progress, and keep a record of what happened.

    Args:
        name: name of the step.
        workload: folder of the workload.
        run: name of the run, for a step that always runs.
        computation: what the step's result depends on, for a step that KFP may reuse.

    Raises:
        SystemExit: the step failed; the fault was told in one line and is in the record.
    """
    attempt = _Attempt(name)
    try:
        settings = load_settings()
        store = open_store(settings)
        attempt.begin(run_records(store, run) if run else computation_records(store, *computation))
        attempt.work = Step(name, workload, settings, store)
        yield attempt.work
    except MillraceError as error:
        attempt.end(error)
    except OSError as error:
        attempt.end(disk_fault(error, str(error.filename or name)))
    except Exception as error:
        traceback.print_exc()
        attempt.end(_broken(name, error))
    else:
        attempt.end(None)


class _Attempt:
    """One attempt at a step, from its first word to its last."""

    def __init__(self, name: str) -> None:
        self.work: Step | None = None
        self._records: Records | None = None
        self._clock = time.monotonic()
        self._record = Record(step=name, outcome="running", started=datetime.now(UTC).isoformat())
        say("step_started", step=name)

    def begin(self, records: Records) -> None:
        records.write(self._record)
        self._records = records
        end_after_timeout(self._record.step, self._fail)
        end_with_parent()

    def end(self, fault: MillraceError | None) -> None:
        if fault is None:
            try:
                self._keep("done", None)
            except StoreError as error:
                fault = error
        if fault is not None:
            self._fail(fault)
            sys.exit(1)
        say("step_done", step=self._record.step, note=self.work.note if self.work else "")

    def _fail(self, fault: MillraceError) -> None:
        say("step_failed", step=self._record.step, failure=fault.as_dict())
        try:
            self._keep("failed", fault)
        except StoreError as error:
            say("record_lost", step=self._record.step, reason=str(error))

    def _keep(self, outcome: str, fault: MillraceError | None) -> None:
        left: dict[str, Any] = {}
        if self.work is not None:
            document = self.work.document
            left = {
                "note": self.work.note,
                "facts": self.work.facts,
                "document": document.model_dump(mode="json") if document else {},
            }
        record = {
            **self._record.model_dump(),
            **left,
            "outcome": outcome,
            "seconds": round(time.monotonic() - self._clock, 3),
            "failure": fault.as_dict() if fault else None,
        }
        if self._records is not None:
            self._records.write(Record.model_validate(record))


def _broken(name: str, error: Exception) -> MillraceError:
    return MillraceError(
        f"the step broke: {type(error).__name__}: {error}",
        where=name,
        remedy="the traceback is in the run's log; if it is not in your code, report it",
    )
