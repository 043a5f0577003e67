"""Summaries of runs as they end in life: passed, first of all, failed a gate, rejected, crashed."""

from __future__ import annotations

import hashlib
import math
import random
from datetime import UTC, datetime

import pytest

from millrace.dataset.manifest import DatasetManifest, Feature, SplitRule
from millrace.errors import ContractError, GateFailedError, TrainingError
from millrace.evaluation.result import (
    HIGHER_IS_BETTER,
    Comparison,
    Curve,
    Estimate,
    Evaluation,
    ModelResult,
    SliceGroup,
    SliceResult,
)
from millrace.export.manifest import ExportManifest, FeatureReference, ScoreBins
from millrace.gates.verdict import GateResult, Verdict
from millrace.ingest.snapshot import Snapshot, SnapshotManifest
from millrace.registry.card import Lineage
from millrace.registry.registration import Registration
from millrace.runs.summary import RunSummary, StepRecord
from millrace.training.report import Epoch, TrainingReport
from millrace.validation.report import ColumnDrift, ColumnProfile, Finding, QualityReport

STEPS = (
    *("ingest", "validate", "champion", "materialize", "assemble"),
    *("train", "export", "evaluate", "gate", "register"),
)
NOTES = {
    "ingest": "7,043 rows, new snapshot",
    "validate": "7,032 accepted, 11 in quarantine",
    "champion": "version 7",
    "materialize": "3 feature views, 7,032 rows each",
    "assemble": "4,921 train, 704 validation, 1,407 test",
    "train": "31 epochs, best 21",
    "export": "model.onnx, 41 kB",
    "evaluate": "ROC AUC 0.846",
    "gate": "9 of 9 gates passed",
    "register": "version 8",
}
NUMBERS = {"tenure": (0, 29, 72), "MonthlyCharges": (18.25, 70.35, 118.75), "TotalCharges": (18.8, 1397.5, 8684.8)}
CATEGORIES = {
    "gender": {"Male": 0.505, "Female": 0.495},
    "Partner": {"No": 0.517, "Yes": 0.483},
    "Contract": {"Month-to-month": 0.55, "Two year": 0.241, "One year": 0.209},
    "InternetService": {"Fiber optic": 0.44, "DSL": 0.344, "No": 0.216},
    "PaymentMethod": {
        "Electronic check": 0.336,
        "Mailed check": 0.229,
        "Bank transfer (automatic)": 0.219,
        "Credit card (automatic)": 0.216,
    },
    "Churn": {"No": 0.735, "Yes": 0.265},
}
METRICS = {
    "roc_auc": (0.846, 0.019),
    "pr_auc": (0.651, 0.038),
    "log_loss": (0.4131, 0.021),
    "brier": (0.1349, 0.0081),
    "calibration_error": (0.0242, 0.0072),
    "lift_at_10": (2.82, 0.19),
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def estimate(value: float, half: float) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half * 0.95)


def model(name: str, role: str, shift: float, digest: str | None = None) -> ModelResult:
    noise = random.Random(name)
    xs = [n / 120 for n in range(121)]
    power = 0.26 - shift
    return ModelResult(
        name=name,
        role=role,
        digest=digest,
        metrics={
            metric: estimate(value + shift * (1 if HIGHER_IS_BETTER[metric] else -1), half)
            for metric, (value, half) in METRICS.items()
        },
        roc=Curve(x=xs, y=[x**power for x in xs]),
        precision_recall=Curve(
            x=xs, y=[0.265 + 0.68 * (1 - x) ** (0.62 - 4 * shift) for x in xs]
        ),
        calibration=Curve(
            x=[0.01, 0.03, 0.06, 0.11, 0.17, 0.25, 0.35, 0.46, 0.58, 0.76],
            y=[
                max(0.0, p + noise.uniform(-0.03, 0.03))
                for p in (0.01, 0.02, 0.06, 0.12, 0.16, 0.27, 0.34, 0.45, 0.6, 0.75)
            ],
        ),
    )


def comparison(other: str, metric: str, value: float, half: float) -> Comparison:
    return Comparison(other=other, metric=metric, difference=estimate(value, half))


def evaluation(*, champion: bool = True, shift: float = 0.0) -> Evaluation:
    others = [
        model("logistic_regression", "baseline", -0.004),
        model("gradient_boosting", "baseline", -0.011),
    ]
    if champion:
        others.insert(0, model("champion", "champion", -0.003, digest("bundle 7")))
    comparisons = [
        comparison(other.name, metric, (shift + 0.004) * (10 if metric == "lift_at_10" else 1), half / 3)
        for other in others
        for metric, (_, half) in METRICS.items()
    ]
    edges = [0.01, 0.02, 0.04, 0.07, 0.11, 0.16, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7]
    theirs = [118, 101, 140, 132, 128, 121, 114, 118, 120, 108, 96, 70, 41]
    assert len(theirs) == len(edges) + 1
    return Evaluation(
        rows=1407,
        positives=373,
        models=[model("candidate", "candidate", shift, digest("model 8")), *others],
        comparisons=comparisons,
        slices=[
            slice_of("gender", {"Female": (690, 180, 0.851), "Male": (717, 193, 0.84)}),
            slice_of("SeniorCitizen", {"0": (1180, 279, 0.852), "1": (227, 94, 0.781)}, ["2"]),
        ],
        excluded=12 if champion else 0,
        champion_bins=theirs if champion else None,
        candidate_bins=[n + (-1) ** i * 7 for i, n in enumerate(theirs)] if champion else None,
        parity=3.6e-7,
        parity_row=811,
        latency={"p50": 1.1e-5, "p99": 2.4e-5},
        model_size=41_203,
    )


def slice_of(name: str, groups: dict[str, tuple[int, int, float]], left_out: list[str] = []) -> SliceResult:  # noqa: B006
    values = [auc for _, _, auc in groups.values()]
    return SliceResult(
        slice=name,
        groups=[
            SliceGroup(
                group=group,
                rows=rows,
                positives=positives,
                metrics={
                    "roc_auc": estimate(auc, 0.6 / math.sqrt(rows)),
                    "pr_auc": estimate(auc - 0.19, 1 / math.sqrt(rows)),
                    "log_loss": estimate(1.26 - auc, 0.5 / math.sqrt(rows)),
                    "brier": estimate(0.98 - auc, 0.2 / math.sqrt(rows)),
                },
            )
            for group, (rows, positives, auc) in groups.items()
        ],
        gaps={"roc_auc": Estimate(value=max(values) - min(values), low=0.001, high=0.098)},
        left_out=left_out,
    )


def verdict(failing: tuple[str, ...] = (), *, champion: bool = True) -> Verdict:
    told = {
        "roc_auc >= 0.82": "0.846 (95 % interval 0.827 to 0.864)",
        "calibration_error <= 0.06": "0.024 (95 % interval 0.017 to 0.031)",
        "roc_auc not worse than champion by 0.01": (
            "+0.004 (95 % interval -0.002 to +0.010)" if champion else "there is no champion yet"
        ),
        "roc_auc not worse than the better baseline by 0.01": (
            "+0.004 against logistic_regression (95 % interval -0.002 to +0.010)"
        ),
        "roc_auc gap of gender <= 0.05": "0.011 (95 % interval 0.001 to 0.049)",
        "roc_auc gap of SeniorCitizen <= 0.1": "0.071 (95 % interval 0.001 to 0.098)",
        "parity with torch <= 1e-05": "3.6e-07 at test row 811",
        "latency p99 <= 5ms": "24 µs, median 11 µs",
        "size <= 5MB": "41.2 kB",
    }
    return Verdict(
        results=[
            GateResult(
                gate=gate,
                outcome="fail"
                if gate in failing
                else "not applicable"
                if "no champion" in evidence
                else "pass",
                evidence=evidence,
                value=0.5,
                limit=0.4,
            )
            for gate, evidence in told.items()
        ]
    )


def quality(*, drift: bool = True) -> QualityReport:
    numbers = [
        ColumnProfile(name=name, type="number", missing=0.0016 if name == "TotalCharges" else 0,
                      distinct=1585, low=low, median=median, high=high)
        for name, (low, median, high) in NUMBERS.items()
    ]
    categories = [
        ColumnProfile(name=name, type="category", missing=0, distinct=len(top), top=top)
        for name, top in CATEGORIES.items()
    ]
    moved = [
        ColumnDrift(name=name, measure="ks" if name in NUMBERS else "total_variation",
                    distance=round(random.Random(name).uniform(0.001, 0.06), 4))
        for name in (*NUMBERS, *CATEGORIES)
    ]
    return QualityReport(
        snapshot=digest("snapshot 8"),
        parsed=7043,
        accepted=7032,
        quarantined=11,
        findings=[
            Finding(
                column="tenure",
                problem="holds values above the greatest allowed, 120",
                records=7,
                examples=["line 7: '1200'", "line 412: '999'", "line 5190: '121'"],
                remedy="correct the source, or raise `max` of the column in workload.yaml",
            ),
            Finding(
                column="PaymentMethod",
                problem="holds values that are not allowed",
                records=4,
                examples=["line 93: 'Crypto'", "line 2044: 'PayPal'"],
                remedy="add the value to `in` of the column if it is right",
            ),
            Finding(
                problem="the source has a column that the contract does not name: Region",
                remedy="add it to the contract, or leave it",
            ),
        ],
        columns=[*numbers, *categories],
        drift=moved if drift else None,
    )


def snapshot(*, first: bool = False) -> Snapshot:
    return Snapshot(
        manifest=SnapshotManifest(
            workload="churn",
            digest=digest("snapshot 8"),
            rows=7043,
            columns=dict.fromkeys((*NUMBERS, *CATEGORIES), "string"),
            source="data/telco.csv",
            fingerprint="970457 bytes",
        ),
        key=f"snapshots/churn/{digest('snapshot 8')}",
        as_of=datetime(2026, 7, 27, 3, 0, 4, tzinfo=UTC),
        is_new=True,
        previous=None if first else digest("snapshot 7"),
        usual_rows=None if first else 7021,
    )


def training() -> TrainingReport:
    return TrainingReport(
        module="model:ChurnNet",
        parameters={"width": 32, "dropout": 0.2},
        weights=4673,
        curve=[
            Epoch(
                epoch=n,
                train_loss=0.39 + 0.3 * math.exp(-n / 4) - 0.0006 * n,
                validation_loss=0.41 + 0.28 * math.exp(-n / 4) + 0.00003 * (n - 21) ** 2,
            )
            for n in range(1, 32)
        ],
        best_epoch=21,
        device="cpu",
    )


FEATURES = [
    Feature(name="gender", view="customer_profile", kind="category"),
    Feature(name="Partner", view="customer_profile", kind="category"),
    Feature(name="tenure", view="customer_profile", kind="number"),
    Feature(name="InternetService", view="customer_services", kind="category"),
    Feature(name="Contract", view="customer_billing", kind="category"),
    Feature(name="PaymentMethod", view="customer_billing", kind="category"),
    Feature(name="MonthlyCharges", view="customer_billing", kind="number"),
    Feature(name="TotalCharges", view="customer_billing", kind="number"),
]


def dataset() -> DatasetManifest:
    return DatasetManifest(
        digest=digest("dataset 8"),
        join_keys=["customerID"],
        features=FEATURES,
        positive="Yes",
        slices=["gender", "SeniorCitizen"],
        split=SplitRule(by="hash", test=0.2, validation=0.1),
        rows={"train": 4921, "validation": 704, "test": 1407},
        positives={"train": 1306, "validation": 187, "test": 373},
    )


def exported() -> ExportManifest:
    return ExportManifest(
        model=digest("model 8"),
        size=41_203,
        opset=20,
        inputs=FEATURES,
        bins=ScoreBins(
            edges=[0.02, 0.04, 0.07, 0.11, 0.16, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
            counts=[189, 110, 133, 125, 121, 110, 131, 126, 115, 107, 82, 48, 10],
        ),
        reference=[FeatureReference(name="tenure", measure="ks", usual=0.02, high=0.05)],
    )


def steps(failed: str = "", reused: tuple[str, ...] = ()) -> list[StepRecord]:
    made, over = [], False
    for name in STEPS:
        outcome = "skipped" if over else "failed" if name == failed else "done"
        if name in reused:
            outcome = "reused"
        over = over or name == failed
        seconds = None if outcome == "skipped" else round(random.Random(name).uniform(0.3, 9), 3)
        note = NOTES[name] if outcome in ("done", "reused") else ""
        made.append(StepRecord(name=name, outcome=outcome, seconds=seconds, note=note))
    return made


def summary(**parts: object) -> RunSummary:
    return RunSummary.model_validate(
        {
            "run": "churn-20260727-030001-9f3a",
            "workload": "churn",
            "labels": {"team": "retention"},
            "signal": "schedule",
            "started": "2026-07-27T03:00:01+00:00",
            "finished": "2026-07-27T03:00:49+00:00",
            "code_revision": digest("code"),
            "commit": hashlib.sha1(b"commit", usedforsecurity=False).hexdigest(),
            "reproduce": [
                "git checkout " + hashlib.sha1(b"commit", usedforsecurity=False).hexdigest(),
                "millrace run workloads/churn --as-of 2026-07-27T03:00:04+00:00",
            ],
            **parts,
        }
    )


def lineage(champion: str | None) -> Lineage:
    return Lineage(
        snapshot=digest("snapshot 8"),
        as_of="2026-07-27T03:00:04+00:00",
        dataset=digest("dataset 8"),
        feature_views=["customer_profile", "customer_services", "customer_billing"],
        contract=digest("contract"),
        code_revision=digest("code"),
        champion=champion,
        signal="schedule",
    )


def registration(version: int, *, champion: bool, outcome: str = "registered") -> Registration:
    return Registration(
        outcome=outcome,
        name="churn",
        version=version,
        digest=digest(f"bundle {version}"),
        uri=f"s3://millrace/bundles/sha256/{digest(f'bundle {version}')}",
        champion=champion,
    )


@pytest.fixture
def passed() -> RunSummary:
    return summary(
        outcome="registered",
        headline="Version 8 of churn is registered: ROC AUC 0.846, no worse than the champion.",
        steps=steps(reused=("validate", "assemble")),
        snapshot=snapshot(),
        quality=quality(),
        features={"views": ["customer_profile", "customer_services", "customer_billing"], "rows": 7032},
        dataset=dataset(),
        training=training(),
        exported=exported(),
        evaluation=evaluation(),
        verdict=verdict(),
        registration=registration(8, champion=False),
        lineage=lineage(digest("bundle 7")),
    )


@pytest.fixture
def first() -> RunSummary:
    return summary(
        outcome="registered",
        headline="Version 1 of churn is registered and is the champion: ROC AUC 0.846.",
        signal="manual",
        steps=steps(),
        snapshot=snapshot(first=True),
        quality=quality(drift=False),
        features={"views": ["customer_profile", "customer_services", "customer_billing"], "rows": 7032},
        dataset=dataset(),
        training=training(),
        exported=exported(),
        evaluation=evaluation(champion=False),
        verdict=verdict(champion=False),
        registration=registration(1, champion=True),
        lineage=lineage(None),
    )


@pytest.fixture
def unchanged(passed: RunSummary) -> RunSummary:
    return passed.model_copy(
        update={
            "outcome": "unchanged",
            "headline": "No new data: churn has version 8 of this snapshot and this code already.",
            "registration": registration(8, champion=False, outcome="unchanged"),
            "steps": steps(reused=STEPS[1:9]),
        }
    )


@pytest.fixture
def gate_failed() -> RunSummary:
    failing = ("roc_auc >= 0.82", "roc_auc not worse than champion by 0.01")
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


@pytest.fixture
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
                problem="739 of 5,120 records are in quarantine (14.4 %), more than the limit of 2 %",
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
        snapshot=snapshot(),
        quality=found,
    )


@pytest.fixture
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


def _fault(raising: object, kind: type[Exception]) -> dict[str, str]:
    with pytest.raises(kind) as caught:
        raising()
    return caught.value.as_dict()
