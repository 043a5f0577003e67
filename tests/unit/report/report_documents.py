"""Documents as a run of the churn workload leaves them."""

from __future__ import annotations

import hashlib
import math
import random
from datetime import UTC, datetime

from millrace.dataset.manifest import DatasetManifest, Feature, SplitRule
from millrace.export.manifest import ExportManifest, FeatureReference, ScoreBins
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
NUMBERS = {
    "tenure": (0, 29, 72),
    "MonthlyCharges": (18.25, 70.35, 118.75),
    "TotalCharges": (18.8, 1397.5, 8684.8),
}
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


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def quality(*, drift: bool = True) -> QualityReport:
    numbers = [
        ColumnProfile(
            name=name,
            type="number",
            missing=0.0016 if name == "TotalCharges" else 0,
            distinct=1585,
            low=low,
            median=median,
            high=high,
        )
        for name, (low, median, high) in NUMBERS.items()
    ]
    categories = [
        ColumnProfile(name=name, type="category", missing=0, distinct=len(top), top=top)
        for name, top in CATEGORIES.items()
    ]
    moved = [
        ColumnDrift(
            name=name,
            measure="ks" if name in NUMBERS else "total_variation",
            distance=round(random.Random(name).uniform(0.001, 0.06), 4),
        )
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


def snapshot(*, first: bool = False, rows: int = 7043) -> Snapshot:
    return Snapshot(
        manifest=SnapshotManifest(
            workload="churn",
            digest=digest("snapshot 8"),
            rows=rows,
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


def features() -> dict[str, object]:
    views = [
        {"name": name, "rows": 7032, "added": 112, "materialized": 112, "digest": digest(name)}
        for name in ("customer_profile", "customer_services", "customer_billing")
    ]
    return {"views": views, "digest": digest("feature state")}


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
