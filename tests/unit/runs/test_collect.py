"""A run's summary tells of this run, and of what it reused; never of another run's attempts."""

from pathlib import Path

import pytest

from millrace.ingest.snapshot import Snapshot, SnapshotManifest
from millrace.registry.champion import Champion
from millrace.runs.collect import collect
from millrace.runs.records import Record, Records, computation_records, run_records
from millrace.runs.summary import RunSummary
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.training.report import TrainingReport

SNAPSHOT = Snapshot.model_validate(
    {
        "manifest": SnapshotManifest(
            workload="churn", digest="5" * 64, rows=9, columns={}, source="x", fingerprint="y"
        ),
        "key": "snapshots/churn/5",
        "as_of": "2026-01-01T00:00:00Z",
        "is_new": True,
    }
)
AS_OF = SNAPSHOT.as_of.isoformat()
ORIGIN = ("5" * 64, AS_OF, "code")
BEFORE, SINCE, LATER = "2026-02-01T00:00:00", "2026-02-02T00:00:00", "2026-02-02T00:00:09"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(Settings(home=tmp_path))


def trained(epochs: int) -> dict[str, object]:
    report = TrainingReport(
        module="m:M",
        parameters={},
        weights=epochs,
        curve=[],
        best_epoch=1,
        device="cpu",
    )
    return report.model_dump(mode="json")


def record(
    records: Records, step: str, outcome: str = "done", at: str = LATER, **rest: object
) -> None:
    records.write(
        Record.model_validate({"step": step, "outcome": outcome, "started": f"{at}+00:00", **rest})
    )


def up_to_train(store: Store, at: str = LATER, run: str = "churn-2") -> Records:
    """Record a run up to its training set, and return where training records."""
    own = run_records(store, run)
    began = SINCE if at == LATER else at
    document = SNAPSHOT.model_dump(mode="json")
    record(own, "ingest", at=began, document=document, facts={"code_revision": "code"})
    record(computation_records(store, *ORIGIN, "", "0"), "validate", at=at)
    record(own, "champion", at=at, document=Champion(source="none").model_dump())
    record(own, "materialize", at=at, document={"digest": "features"})
    assembled = computation_records(store, *ORIGIN, "features")
    record(assembled, "assemble", at=at, document={"digest": "rows"} | DATASET)
    return computation_records(store, *ORIGIN, "rows")


DATASET = {
    "join_keys": ["id"],
    "features": [],
    "positive": "1",
    "slices": [],
    "split": {"by": "hash", "test": 0.2, "validation": 0.1},
    "rows": {"train": 7, "validation": 1, "test": 1},
    "positives": {"train": 2, "validation": 1, "test": 1},
}


def told(
    store: Store,
    state: str = "FAILED",
    folder: str = "workloads/churn",
    pipeline: str = "retraining",
) -> RunSummary:
    return collect(folder, store, run="churn-2", signal="manual", pipeline=pipeline, state=state)


def outcomes(summary: RunSummary) -> dict[str, str]:
    return {step.name: step.outcome for step in summary.steps}


def test_what_was_done_before_the_run_was_reused(store: Store) -> None:
    train = up_to_train(store, at=BEFORE, run="churn-1")
    record(train, "train", at=BEFORE, document=trained(3))
    up_to_train(store)
    record(train, "export", "failed", failure={"problem": "p", "message": "export: p"})
    summary = told(store)
    assert outcomes(summary)["train"] == "reused"
    assert outcomes(summary)["export"] == "failed"
    assert outcomes(summary)["evaluate"] == "skipped"
    assert summary.training is not None
    assert summary.failure == {"problem": "p", "message": "export: p", "step": "export"}


def test_a_step_that_was_killed_is_said_to_have_been(store: Store) -> None:
    record(up_to_train(store), "train", "running")
    summary = told(store)
    assert outcomes(summary)["train"] == "failed"
    assert summary.headline == "The run stopped in train: the step was killed."


def test_an_attempt_that_another_run_was_killed_in_does_not_hide_what_is_reused(
    store: Store,
) -> None:
    train = up_to_train(store, at=BEFORE, run="churn-1")
    record(train, "train", at=BEFORE, document=trained(3))
    record(train, "train", "running", at=BEFORE)
    up_to_train(store)
    summary = told(store)
    assert outcomes(summary)["train"] == "reused"


def test_a_fault_of_another_run_is_not_this_ones(store: Store) -> None:
    train = up_to_train(store, at=BEFORE, run="churn-1")
    record(train, "train", "failed", at=BEFORE, failure={"problem": "old", "message": "old"})
    up_to_train(store)
    summary = told(store)
    assert outcomes(summary)["train"] == "skipped"
    assert summary.failure is not None
    assert "old" not in summary.failure["message"]


def test_another_training_set_is_another_story(store: Store) -> None:
    other = computation_records(store, *ORIGIN, "other rows")
    record(other, "train", at=BEFORE, document=trained(3))
    up_to_train(store)
    assert outcomes(told(store))["train"] == "skipped"


def test_a_run_that_ended_before_anything_was_taken_has_a_summary(store: Store) -> None:
    failure = {"problem": "is empty", "message": "data.csv: is empty", "where": "data.csv"}
    record(run_records(store, "churn-2"), "ingest", "failed", at=SINCE, failure=failure)
    summary = told(store)
    assert summary.outcome == "failed"
    assert summary.failure == {**failure, "step": "ingest"}
    assert set(outcomes(summary).values()) == {"failed", "skipped"}


def test_a_workload_that_cannot_be_read_has_a_summary_that_says_so(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "workload.yaml").write_text("spec: 1")
    summary = told(store, folder=str(tmp_path / "broken"))
    assert summary.workload == "broken"
    assert summary.failure is not None
    assert "workload.yaml" in summary.failure["message"]


def test_a_materialization_does_not_tell_of_the_training_that_others_did(store: Store) -> None:
    record(up_to_train(store, at=BEFORE), "train", at=BEFORE, document=trained(3))
    views = {"views": [{"added": 1, "materialized": 4}, {"added": 2, "materialized": 0}]}
    up_to_train(store)
    record(run_records(store, "churn-2"), "materialize", document={"digest": "features"} | views)
    summary = told(store, "SUCCEEDED", pipeline="materialization")
    assert (summary.outcome, summary.failure, summary.dataset) == ("materialized", None, None)
    assert summary.headline == (
        "churn as of 1 January 2026, 00:00 UTC: 3 new rows of features, 4 values brought online."
    )
    assert list(outcomes(summary)) == ["ingest", "validate", "champion", "materialize"]
    assert summary.reproduce[-1] == f"millrace materialize churn --as-of {AS_OF}"


def test_a_materialization_that_was_killed_says_in_which_step(store: Store) -> None:
    record(run_records(store, "churn-2"), "ingest", "running", at=SINCE)
    summary = told(store, pipeline="materialization")
    assert summary.headline == "The run stopped in ingest: the step was killed."
    assert outcomes(summary)["materialize"] == "skipped"
