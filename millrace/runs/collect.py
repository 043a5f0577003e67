"""Collect what a run's steps recorded into its summary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

from millrace.dataset.manifest import DatasetManifest
from millrace.documents import Document
from millrace.errors import PipelineError
from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ExportManifest
from millrace.gates.verdict import Verdict
from millrace.ingest.snapshot import Snapshot
from millrace.registry.card import Lineage
from millrace.registry.commit import commit_of
from millrace.registry.lineage import lineage_of
from millrace.registry.registration import Registration
from millrace.runs.headline import headline
from millrace.runs.records import Record, computation_records, run_records
from millrace.runs.summary import Outcome, RunSummary, StepRecord
from millrace.storage import Store
from millrace.training.report import TrainingReport
from millrace.validation.report import QualityReport
from millrace.workload import Workload

ALWAYS_RUN = ("ingest", "champion", "materialize", "register")
REUSABLE = ("validate", "assemble", "train", "export")
COMPARED = ("evaluate", "gate")
STEPS = (
    *("ingest", "validate", "champion", "materialize", "assemble"),
    *("train", "export", "evaluate", "gate", "register"),
)
"""In the order in which people think of them, which is the one they run in."""

D = TypeVar("D", bound=Document)


def collect(workload: Workload, store: Store, *, run: str, signal: str, state: str) -> RunSummary:
    """Return the summary of a run that has ended.

    Args:
        workload: the declared workload.
        store: where the records lie.
        run: name of the run.
        signal: what asked for it.
        state: how KFP says that the steps ended: SUCCEEDED, or anything else.
    """
    records = _records(workload, store, run)
    now = datetime.now(UTC).isoformat()
    started = records["ingest"].started if "ingest" in records else now
    steps = _steps(records, started)
    failure = _failure(records, steps, succeeded=state == "SUCCEEDED")
    ingested = records.get("ingest")
    told = RunSummary(
        run=run,
        workload=workload.name,
        labels=workload.labels,
        signal=signal,
        started=started,
        finished=now,
        outcome="failed",
        headline="…",
        failure=failure,
        steps=steps,
        snapshot=_document(records, "ingest", Snapshot),
        quality=_document(records, "validate", QualityReport),
        features=records["materialize"].document or None if "materialize" in records else None,
        dataset=_document(records, "assemble", DatasetManifest),
        training=_document(records, "train", TrainingReport),
        exported=_document(records, "export", ExportManifest),
        evaluation=_document(records, "evaluate", Evaluation),
        verdict=_document(records, "gate", Verdict),
        registration=_document(records, "register", Registration),
        code_revision=ingested.facts.get("code_revision") if ingested else None,
        commit=commit_of(workload),
    )
    told = told.model_copy(
        update={
            "outcome": _outcome(told),
            "lineage": _lineage(workload, records, told),
            "reproduce": _reproduce(workload, told),
        }
    )
    return told.model_copy(update={"headline": headline(told)})


def _records(workload: Workload, store: Store, run: str) -> dict[str, Record]:
    """Return this run's record of each step, failed attempts of other runs left out."""
    found = {name: run_records(store, run).read(name) for name in ALWAYS_RUN}
    ingested, champion = found["ingest"], found["champion"]
    if ingested is not None and ingested.outcome == "done":
        taken = Snapshot.model_validate(ingested.document)
        inputs = (
            taken.manifest.digest,
            taken.as_of.isoformat(),
            ingested.facts["code_revision"],
        )
        reusable = computation_records(store, workload.name, *inputs)
        found |= {name: reusable.read(name) for name in REUSABLE}
        if champion is not None:
            compared = computation_records(
                store, workload.name, *inputs, str(champion.document.get("digest", ""))
            )
            found |= {name: compared.read(name) for name in COMPARED}
    since = ingested.started if ingested else ""
    return _up_to_the_fault(
        {
            name: record
            for name in STEPS
            if (record := found.get(name)) and (record.outcome == "done" or record.started >= since)
        }
    )


def _up_to_the_fault(records: dict[str, Record]) -> dict[str, Record]:
    """Leave out what earlier runs recorded of the steps that this one did not reach."""
    reached: dict[str, Record] = {}
    for name in STEPS:
        if name not in records:
            break
        reached[name] = records[name]
        if records[name].outcome != "done":
            break
    return reached


def _steps(records: dict[str, Record], started: str) -> list[StepRecord]:
    steps = []
    for name in STEPS:
        record = records.get(name)
        if record is None:
            steps.append(StepRecord(name=name, outcome="skipped"))
        elif record.outcome != "done":
            steps.append(
                StepRecord(name=name, outcome="failed", seconds=record.seconds, note=record.note)
            )
        else:
            reused = record.started < started
            steps.append(
                StepRecord(
                    name=name,
                    outcome="reused" if reused else "done",
                    seconds=None if reused else record.seconds,
                    note=record.note,
                )
            )
    return steps


def _failure(
    records: dict[str, Record], steps: list[StepRecord], *, succeeded: bool
) -> dict[str, str] | None:
    if succeeded:
        return None
    faulty = next((step.name for step in steps if step.outcome in ("failed", "skipped")), None)
    record = records.get(faulty or "")
    if record is not None and record.failure is not None:
        return {**record.failure, "step": record.step}
    fault = PipelineError(
        "the step was killed before it could say why" if record else "the step never started",
        where=faulty or "the run",
        remedy="what was done before is kept: run again; the run's log has its last words",
    )
    return {**fault.as_dict(), "step": faulty or ""}


def _outcome(told: RunSummary) -> Outcome:
    if told.failure is None and told.registration is not None:
        return told.registration.outcome
    if told.verdict is not None and not told.verdict.passed:
        return "gate failed"
    if told.quality is not None and told.quality.rejected:
        return "rejected"
    return "failed"


def _lineage(workload: Workload, records: dict[str, Record], told: RunSummary) -> Lineage | None:
    if told.snapshot is None or told.dataset is None:
        return None
    champion = records["champion"].document.get("digest") if "champion" in records else None
    return lineage_of(
        workload,
        told.dataset,
        snapshot=told.snapshot.manifest.digest,
        as_of=told.snapshot.as_of.isoformat(),
        code_revision=told.code_revision or "",
        champion=champion or None,
        signal=told.signal,
    )


def _reproduce(workload: Workload, told: RunSummary) -> list[str]:
    checkout = [f"git checkout {told.commit}"] if told.commit else []
    return [*checkout, f"millrace run {workload.folder.name}"]


def _document(records: dict[str, Record], step: str, kind: type[D]) -> D | None:
    record = records.get(step)
    return kind.model_validate(record.document) if record and record.document else None
