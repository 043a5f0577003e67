"""Collect what a run's steps recorded into its summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from millrace.dataset.manifest import DatasetManifest
from millrace.documents import Document
from millrace.errors import MillraceError, PipelineError, WorkloadError
from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ExportManifest
from millrace.gates.verdict import Verdict
from millrace.ingest.snapshot import Snapshot
from millrace.registry.commit import commit_of
from millrace.registry.lineage import lineage_of
from millrace.registry.registration import Registration
from millrace.runs.headline import headline
from millrace.runs.records import Record
from millrace.runs.story import STEPS, read_story
from millrace.runs.summary import Outcome, RunSummary, StepRecord
from millrace.storage import Store
from millrace.training.report import TrainingReport
from millrace.validation.report import QualityReport
from millrace.workload import Workload, load_workload

D = TypeVar("D", bound=Document)


def collect(
    folder: str, store: Store, *, run: str, signal: str, pipeline: str, state: str
) -> RunSummary:
    """Return the summary of a run that has ended.

    Args:
        folder: folder of the workload; it may be the very thing that is broken.
        store: where the records lie.
        run: name of the run.
        signal: what asked for it.
        pipeline: what it is a run of: retraining or materialization.
        state: how KFP says that the steps ended: SUCCEEDED, or anything else.
    """
    workload, fault = _declared(folder)
    steps = STEPS[pipeline]
    story = read_story(store, run, steps, succeeded=state == "SUCCEEDED")
    records = story.records
    failure = None if state == "SUCCEEDED" else _failure(steps, records, fault)
    told = RunSummary(
        run=run,
        workload=workload.name if workload else Path(folder).name,
        labels=workload.labels if workload else {},
        signal=signal,
        pipeline=pipeline,
        started=story.started,
        finished=datetime.now(UTC).isoformat(),
        outcome="failed",
        headline="…",
        failure=failure,
        steps=[_step(name, records.get(name), story.started) for name in steps],
        snapshot=_document(records, "ingest", Snapshot),
        quality=_document(records, "validate", QualityReport),
        features=records["materialize"].document or None if "materialize" in records else None,
        dataset=_document(records, "assemble", DatasetManifest),
        training=_document(records, "train", TrainingReport),
        exported=_document(records, "export", ExportManifest),
        evaluation=_document(records, "evaluate", Evaluation),
        verdict=_document(records, "gate", Verdict),
        registration=_document(records, "register", Registration),
        code_revision=story.code_revision or None,
        commit=commit_of(workload) if workload else None,
    )
    told = told.model_copy(update={"outcome": _outcome(told)})
    if workload is not None:
        told = _with_lineage(told, workload, story.champion)
    return told.model_copy(update={"headline": headline(told)})


def _declared(folder: str) -> tuple[Workload | None, WorkloadError | None]:
    try:
        return load_workload(folder), None
    except WorkloadError as error:
        return None, error


def _step(name: str, record: Record | None, started: str) -> StepRecord:
    if record is None:
        return StepRecord(name=name, outcome="skipped")
    if record.outcome != "done":
        return StepRecord(name=name, outcome="failed", seconds=record.seconds, note=record.note)
    if record.started < started:
        return StepRecord(name=name, outcome="reused", note=record.note)
    return StepRecord(name=name, outcome="done", seconds=record.seconds, note=record.note)


def _failure(
    steps: Sequence[str], records: Mapping[str, Record], fault: MillraceError | None
) -> dict[str, str]:
    """Return the fault of the step that failed; of a killed one, that it was killed."""
    for name in steps:
        record = records.get(name)
        if record is None:
            why = fault or PipelineError(
                "the step ended before it could say why",
                where=name,
                remedy="what was done before is kept: run again; its log has its last words",
            )
            return {**why.as_dict(), "step": name}
        if record.failure is not None:
            return {**record.failure, "step": name}
        if record.outcome == "running":
            killed = PipelineError(
                "the step was killed",
                where=name,
                remedy="what was done before is kept: run again; its log has its last words",
            )
            return {**killed.as_dict(), "step": name}
    lost = PipelineError(
        "every step is done, and yet the run failed", where="the run", remedy="read its log"
    )
    return {**lost.as_dict(), "step": ""}


def _outcome(told: RunSummary) -> Outcome:
    if told.failure is None and told.pipeline == "materialization":
        return "materialized"
    if told.failure is None and told.registration is not None:
        return told.registration.outcome
    if told.verdict is not None and not told.verdict.passed:
        return "gate failed"
    if told.quality is not None and told.quality.rejected:
        return "rejected"
    return "failed"


def _with_lineage(told: RunSummary, workload: Workload, champion: str) -> RunSummary:
    lineage = None
    if told.snapshot is not None and told.dataset is not None:
        lineage = lineage_of(
            workload,
            told.dataset,
            snapshot=told.snapshot.manifest.digest,
            as_of=told.snapshot.as_of.isoformat(),
            code_revision=told.code_revision or "",
            champion=champion or None,
            signal=told.signal,
            difference=told.snapshot.difference,
        )
    return told.model_copy(
        update={"lineage": lineage, "reproduce": _reproduce(told, workload, champion)}
    )


def _reproduce(told: RunSummary, workload: Workload, champion: str) -> list[str]:
    """Return the commands that make the run again, from the commit that it was made at."""
    trains = told.pipeline == "retraining"
    command = ["millrace", "run" if trains else "materialize", workload.folder.name]
    if told.snapshot is not None:
        command += ["--as-of", told.snapshot.as_of.isoformat()]
        if told.snapshot.asked and told.snapshot.manifest.window is not None:
            start, end = told.snapshot.manifest.window
            command += ["--window", f"{start.isoformat()}..{end.isoformat()}"]
    command += ["--champion", champion or "none"] if trains else []
    checkout = [f"git checkout {told.commit}"] if told.commit else []
    return [*checkout, " ".join(command)]


def _document(records: Mapping[str, Record], step: str, kind: type[D]) -> D | None:
    record = records.get(step)
    return kind.model_validate(record.document) if record and record.document else None
