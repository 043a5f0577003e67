"""The shell around a step: it loads what the step needs and leaves a record, come what may."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from millrace.documents import Document
from millrace.errors import MillraceError, StoreError
from millrace.progress import say
from millrace.runs.records import Record, Records, computation_records, run_records
from millrace.settings import Settings, load_settings
from millrace.storage import Store, open_store
from millrace.workload import Workload, load_workload

TIMEOUT = "MILLRACE_STEP_TIMEOUT"
"""Environment variable: seconds after which a step is ended; set by the pipeline."""

PARENT = "MILLRACE_STEP_PARENT"
"""Environment variable: process without which a step ends; set by whoever runs it on a laptop."""


class KfpArtifact(Protocol):
    """An output artifact of KFP: its address, and the path under which a step finds its files."""

    uri: str

    @property
    def path(self) -> str:
        """Return the path that belongs to the address."""
        ...


@dataclass
class Step:
    """What a step works with, and what it leaves behind."""

    name: str
    workload: Workload
    settings: Settings
    store: Store
    note: str = ""
    document: Document | None = None
    facts: dict[str, str] = field(default_factory=dict)

    def address(self, artifact: KfpArtifact, key: str) -> None:
        """Give a KFP artifact the address of what lies in the store: the same content, the same.

        KFP's backend reads and writes the bucket itself, and finds the files where it mounts it;
        on a laptop with a bucket the address is a copy's, beside the platform's other files.
        """
        on_backend = "://" in artifact.uri
        kept = self.settings.home.resolve() / "fetched" / key
        here = self.store.location(key)
        artifact.uri = here if on_backend or Path(here).is_absolute() else str(kept)
        if not Path(artifact.path).exists():
            self.store.fetch(key, Path(artifact.path))


@contextmanager
def step(
    name: str, workload: str, *, run: str = "", computation: tuple[str, ...] = ()
) -> Iterator[Step]:
    """Run a step: load the workload, tell of progress, and keep a record of what happened.

    Args:
        name: name of the step.
        workload: folder of the workload.
        run: name of the run, for a step that always runs.
        computation: what the step's result depends on, for a step that KFP may reuse.

    Raises:
        SystemExit: the step failed; the fault was told in one line and is in the record.
    """
    clock = time.monotonic()
    say("step_started", step=name)
    record = Record(step=name, outcome="running", started=datetime.now(UTC).isoformat())
    records: Records | None = None
    work: Step | None = None
    failure: dict[str, str] | None = None
    try:
        _end_after(name, os.environ.get(TIMEOUT, ""))
        _end_without(os.environ.get(PARENT, ""))
        settings = load_settings()
        store = open_store(settings)
        records = run_records(store, run) if run else None
        declared = load_workload(workload)
        records = records or computation_records(store, declared.name, *computation)
        records.write(record)
        work = Step(name, declared, settings, store)
        yield work
    except MillraceError as error:
        failure = error.as_dict()
    except OSError as error:
        failure = _disk_fault(name, error).as_dict()
    except Exception as error:
        traceback.print_exc()
        failure = _broken(name, error).as_dict()
    record = record.model_copy(
        update={
            "outcome": "failed" if failure else "done",
            "seconds": round(time.monotonic() - clock, 3),
            "note": work.note if work else "",
            "facts": work.facts if work else {},
            "document": work.document.model_dump(mode="json") if work and work.document else {},
            "failure": failure,
        }
    )
    _keep(records, record)
    if failure:
        say("step_failed", step=name, failure=failure)
        sys.exit(1)
    say("step_done", step=name, note=record.note, seconds=record.seconds)


def _disk_fault(name: str, error: OSError) -> StoreError:
    return StoreError(
        f"the disk does not do as asked: {error.strerror or error}",
        where=str(error.filename or name),
        remedy="free space or mend access, then run again: nothing was half-written",
    )


def _broken(name: str, error: Exception) -> MillraceError:
    return MillraceError(
        f"the step broke: {type(error).__name__}: {error}",
        where=name,
        remedy="the traceback is in the run's log; if it is not in your code, report it",
    )


def _keep(records: Records | None, record: Record) -> None:
    try:
        if records is not None:
            records.write(record)
    except StoreError as error:
        say("step_failed", step=record.step, failure=record.failure or error.as_dict())
        sys.exit(1)


def _end_after(name: str, seconds: str) -> None:
    """End this process when its time is over, whatever it is busy with."""
    if not seconds:
        return

    def end() -> None:
        error = MillraceError(
            f"the step took longer than {float(seconds):g} s",
            where=name,
            remedy="raise its timeout in components/, or give it less to do",
        )
        say("step_failed", step=name, failure=error.as_dict())
        os._exit(1)

    watch = threading.Timer(float(seconds), end)
    watch.daemon = True
    watch.start()


def _end_without(parent: str) -> None:
    """End this process when the one that started the run is gone."""
    if not parent:
        return

    def watch() -> None:
        while True:
            try:
                os.kill(int(parent), 0)
            except ProcessLookupError:
                os._exit(1)
            time.sleep(1)

    threading.Thread(target=watch, daemon=True).start()
