"""Summaries of runs as they end in life."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from report_documents import (
    STEPS,
    dataset,
    digest,
    exported,
    features,
    lineage,
    quality,
    registration,
    snapshot,
    steps,
    summary,
    training,
)
from report_evaluation import evaluation, verdict

from millrace.errors import ContractError, GateFailedError, MillraceError, TrainingError
from millrace.runs.summary import RunSummary
from millrace.validation.report import Finding, QualityReport


def passed() -> RunSummary:
    return summary(
        outcome="registered",
        headline="Version 8 of churn is registered: ROC AUC 0.846, no worse than the champion.",
        steps=steps(reused=("validate", "assemble")),
        snapshot=snapshot(),
        quality=quality(),
        features=features(),
        dataset=dataset(),
        training=training(),
        exported=exported(),
        evaluation=evaluation(),
        verdict=verdict(),
        registration=registration(8, champion=False),
        lineage=lineage(digest("bundle 7")),
    )


def first() -> RunSummary:
    return summary(
        outcome="registered",
        headline="Version 1 of churn is registered and is the champion: ROC AUC 0.846.",
        signal="manual",
        steps=steps(),
        snapshot=snapshot(first=True),
        quality=quality(drift=False),
        features=features(),
        dataset=dataset(),
        training=training(),
        exported=exported(),
        evaluation=evaluation(champion=False),
        verdict=verdict(champion=False),
        registration=registration(1, champion=True),
        lineage=lineage(None),
    )


def unchanged() -> RunSummary:
    return passed().model_copy(
        update={
            "outcome": "unchanged",
            "headline": "No new data: churn has version 8 of this snapshot and this code already.",
            "registration": registration(8, champion=False, outcome="unchanged"),
            "steps": steps(reused=STEPS[1:9]),
        }
    )


def materialized() -> RunSummary:
    return summary(
        outcome="materialized",
        headline="churn as of 27 July 2026, 03:00 UTC: 4 new rows of features, 4 values online.",
        pipeline="materialization",
        steps=steps()[:4],
        snapshot=snapshot(),
        quality=quality(),
        features=features(),
        reproduce=["millrace materialize churn --as-of 2026-07-27T03:00:04+00:00"],
    )


def gate_failed() -> RunSummary:
    failing = {
        "roc_auc >= 0.82": "0.806 (95 % interval 0.787 to 0.824)",
        "roc_auc not worse than champion by 0.01": "-0.036 (95 % interval -0.042 to -0.030)",
    }
    judged = verdict(failing)
    fault = _fault(lambda: judged.require_passed("churn"), GateFailedError)
    return summary(
        outcome="gate failed",
        headline="2 of 9 gates failed: nothing was registered.",
        failure={**fault, "step": "gate"},
        steps=steps(failed="gate"),
        snapshot=snapshot(),
        quality=quality(),
        dataset=dataset(),
        training=training(),
        exported=exported(),
        evaluation=evaluation(shift=-0.04),
        verdict=judged,
    )


def rejected() -> RunSummary:
    found = QualityReport(
        snapshot=digest("snapshot 9"),
        parsed=5120,
        accepted=4381,
        quarantined=739,
        findings=[
            Finding(
                column="TotalCharges",
                problem="holds text that is no number",
                records=739,
                examples=["line 2: '29,85'", "line 4: '1.889,50'"],
                remedy="have the source write numbers with a point for the decimals",
            ),
            Finding(
                problem="739 of 5,120 records are in quarantine, above the limit of 2 %",
                remedy="mend the findings above at the source, or raise `limits.quarantined`",
                rejects=True,
            ),
            Finding(
                column="MonthlyCharges",
                problem="is missing; a column Monthly_Charges has appeared",
                remedy="rename it back at the source, or rename it in the contract",
                rejects=True,
            ),
        ],
    )
    fault = _fault(lambda: found.require_accepted("data/telco.csv"), ContractError)
    return summary(
        outcome="rejected",
        headline="The batch breaks the contract as a whole: nothing of it was used.",
        failure={**fault, "step": "validate"},
        steps=steps(failed="validate"),
        snapshot=snapshot(rows=5120),
        quality=found,
    )


def crashed() -> RunSummary:
    fault = TrainingError(
        "the loss is not a number",
        where="workloads/churn/model.py, epoch 3",
        found="nan",
        expected="a finite loss",
        remedy="lower `training.learning_rate` or check the features for huge values",
    ).as_dict()
    return summary(
        outcome="failed",
        headline="Training broke in epoch 3: the loss is not a number.",
        failure={**fault, "step": "train"},
        steps=steps(failed="train"),
        snapshot=snapshot(),
        quality=quality(),
        dataset=dataset(),
    )


def _fault(raising: Callable[[], None], kind: type[MillraceError]) -> dict[str, str]:
    with pytest.raises(kind) as caught:
        raising()
    return caught.value.as_dict()


ENDINGS: dict[str, Callable[[], RunSummary]] = {
    "passed": passed,
    "first": first,
    "unchanged": unchanged,
    "materialized": materialized,
    "gate_failed": gate_failed,
    "rejected": rejected,
    "crashed": crashed,
}
