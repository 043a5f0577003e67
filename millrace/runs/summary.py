"""A run's summary: everything it left behind, from which the report and the CLI tell its story."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from millrace.dataset.manifest import DatasetManifest
from millrace.documents import Document
from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ExportManifest
from millrace.gates.verdict import Verdict
from millrace.ingest.snapshot import Snapshot
from millrace.registry.card import Lineage
from millrace.registry.registration import Registration
from millrace.training.report import TrainingReport
from millrace.validation.report import QualityReport

Outcome = Literal["registered", "unchanged", "materialized", "gate failed", "rejected", "failed"]


def _with_zone(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"the time {text!r} names no time zone")
    return text


Moment = Annotated[str, AfterValidator(_with_zone)]
"""A time as ISO 8601 text with its time zone, such as `2026-07-27T03:00:12+00:00`."""


class StepRecord(Document):
    """What became of one step."""

    name: str
    outcome: Literal["done", "reused", "failed", "skipped"]
    """`reused` if an earlier run's result was taken, `skipped` if the run ended before it."""
    seconds: float | None = None
    """How long it took; None if it did not run."""
    note: str = ""
    """What came out, in a few words."""


class RunSummary(Document):
    """Everything a run left behind; a part is None if the run stopped before it was made."""

    run: str
    workload: str
    labels: dict[str, str] = {}
    """Labels of the workload, such as its team."""
    signal: str = "manual"
    """What asked for the run: `manual`, `schedule`, `drift` or `performance`."""
    pipeline: str = "retraining"
    """What it is a run of: `retraining`, or `materialization`, which trains nothing."""
    started: Moment
    finished: Moment
    outcome: Outcome
    headline: Annotated[str, Field(min_length=1)]
    """What happened, in one sentence."""
    failure: dict[str, str] | None = None
    """The fault of the step that failed: MillraceError.as_dict() and the step's name as `step`."""
    steps: list[StepRecord] = []
    """In the order of the pipeline."""
    snapshot: Snapshot | None = None
    quality: QualityReport | None = None
    features: dict[str, Any] | None = None
    """What was applied and materialized: the state of the feature store, as JSON."""
    dataset: DatasetManifest | None = None
    training: TrainingReport | None = None
    exported: ExportManifest | None = None
    evaluation: Evaluation | None = None
    verdict: Verdict | None = None
    registration: Registration | None = None
    lineage: Lineage | None = None
    code_revision: str | None = None
    """Digest of the platform's and the workload's code."""
    commit: str | None = None
    """Git commit of the code, if it came from a repository."""
    reproduce: list[str] = []
    """Shell commands that make this run again, in order."""

    @property
    def seconds(self) -> float:
        """Return how long the run took, in seconds."""
        return (
            datetime.fromisoformat(self.finished) - datetime.fromisoformat(self.started)
        ).total_seconds()

    @property
    def failed_step(self) -> str | None:
        """Return the name of the step that failed, if one did."""
        if self.failure and self.failure.get("step"):
            return self.failure["step"]
        return next((step.name for step in self.steps if step.outcome == "failed"), None)

    def metrics(self) -> dict[str, float]:
        """Return the candidate's metrics; none if it was not evaluated, no NaN among them."""
        if self.evaluation is None or not self.evaluation.models:
            return {}
        found = self.evaluation.models[0].metrics
        return {name: e.value for name, e in found.items() if math.isfinite(e.value)}
