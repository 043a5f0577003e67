"""One turn of the loop as of a time of the past: from the source to a would-be release."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from millrace.backtest.result import Turn
from millrace.dataset import DatasetManifest, assemble
from millrace.evaluation import evaluate
from millrace.evaluation.result import Estimate, Evaluation
from millrace.export import export
from millrace.features import LookupPlan, materialize
from millrace.gates import Verdict, judge
from millrace.ingest import Snapshot, ingest
from millrace.registry.bundle import Bundle, build_bundle, read_card
from millrace.registry.lineage import lineage_of
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.training import train
from millrace.validation import validate
from millrace.workload import Workload


@dataclass(frozen=True)
class Champion:
    """The bundle that a turn's candidate is compared with."""

    digest: str
    folder: Path


@dataclass
class Workshop:
    """The steps of one turn, in a folder of their own: nothing that serves is touched.

    Attributes:
        workload: whose loop is replayed.
        code_revision: digest of its code and the platform's.
        as_of: the turn's as-of time.
        folder: a folder that is emptied first.
        told: is called with the name of each step before it begins.
    """

    workload: Workload
    code_revision: str
    as_of: datetime
    folder: Path
    told: Callable[[str], None]

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    @property
    def settings(self) -> Settings:
        """Return settings whose every store lies in the folder."""
        return Settings(
            home=self.folder,
            bucket_folder=None,
            bucket_remote=False,
            online_store="sqlite",
            feast_registry="",
            checkpoints=None,
        )

    @property
    def store(self) -> Store:
        """Return the store in the folder."""
        return open_store(self.settings)

    def ingest(self) -> Snapshot:
        """Take the snapshot of the source as of the turn's time."""
        self.told("ingest")
        return ingest(self.workload, self.store, as_of=self.as_of)

    def dataset(
        self, snapshot: Snapshot, usual_rows: int | None, champion: Champion | None
    ) -> DatasetManifest:
        """Validate, materialize and assemble; the training set lies in `dataset`.

        Raises:
            ContractError: the batch is rejected.
            MillraceError: no model can be trained on it.
        """
        self.told("validate")
        report = validate(
            self.workload,
            self.store.fetch(snapshot.key, self.folder / "snapshot"),
            as_of=self.as_of,
            usual_rows=usual_rows,
            previous=None,
            accepted=self.folder / "accepted",
            quarantine=self.folder / "quarantine",
        )
        report.require_accepted(str(self.workload.file))
        self.told("materialize")
        materialize(
            self.workload,
            self.folder / "accepted",
            self.store,
            self.settings,
            as_of=self.as_of,
            protected=[LookupPlan.read(champion.folder / "lookup.json")] if champion else [],
        )
        self.told("assemble")
        return assemble(
            self.workload,
            self.folder / "accepted",
            self.folder / "dataset",
            self.settings,
            self.store,
            as_of=self.as_of,
        )

    def candidate(self, champion: Champion | None) -> tuple[Evaluation, Verdict]:
        """Train, export, evaluate and judge; the model lies in `exported`."""
        dataset, model, exported = (self.folder / n for n in ("dataset", "model", "exported"))
        self.told("train")
        model.mkdir()
        train(
            self.workload,
            dataset,
            model,
            checkpoint=self.folder / "checkpoint",
            code_revision=self.code_revision,
        )
        self.told("export")
        exported.mkdir()
        export(self.workload, dataset, model, exported)
        self.told("evaluate")
        found = evaluate(
            self.workload,
            dataset,
            exported,
            champion=champion.folder if champion else None,
            champion_digest=champion.digest if champion else None,
        )
        self.told("gate")
        return found, judge(self.workload, found)

    def bundle(
        self,
        snapshot: Snapshot,
        data: DatasetManifest,
        found: Evaluation,
        verdict: Verdict,
        champion: Champion | None,
    ) -> Bundle:
        """Make the bundle that would be released."""
        self.told("register")
        lineage = lineage_of(
            self.workload,
            data,
            snapshot=snapshot.manifest.digest,
            as_of=self.as_of.isoformat(),
            code_revision=self.code_revision,
            champion=champion.digest if champion else None,
            signal="schedule",
        )
        return build_bundle(
            workload=self.workload,
            dataset=data,
            exported=self.folder / "exported",
            evaluation=found,
            verdict=verdict,
            lineage=lineage,
            champion=read_card(champion.folder) if champion else None,
            out=self.folder / "bundle",
        )


def told_of(turn: Turn, score: Estimate, verdict: Verdict, bundle: Bundle) -> Turn:
    """Return a turn with what became of its candidate."""
    failed = [result for result in verdict.results if result.outcome == "fail"]
    return turn.model_copy(
        update={
            "outcome": "gate failed" if failed else "released",
            "reason": "; ".join(f"{result.gate}: {result.evidence}" for result in failed),
            "score": score,
            "gates": verdict.results,
            "bundle": bundle.digest,
            "model": bundle.card.model,
        }
    )
