"""A small workload, its exported model and what was found of it; settings of their own."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from millrace.dataset.manifest import DatasetManifest, Feature, SplitRule
from millrace.digests import digest_of_bytes
from millrace.evaluation.result import Comparison, Curve, Estimate, Evaluation, ModelResult
from millrace.export.manifest import ExportManifest, FeatureReference, ScoreBins
from millrace.gates.verdict import GateResult, Verdict
from millrace.registry import Bundle, Card, Lineage, build_bundle
from millrace.registry.mlflow_client import tracking
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload, load_workload

WORKLOAD = """
apiVersion: millrace.dev/v1alpha1
kind: Workload
metadata: {name: pumps}
spec:
  source: {kind: csv, path: data/pumps.csv}
  contract:
    columns:
      pump: {type: string, unique: true}
      pressure: {type: number}
      broke: {type: category, in: ["yes", "no"]}
  entities: [pump]
  features: [pump_state]
  target: {column: broke, kind: binary, positive: "yes"}
  split: {by: hash}
  training: {module: "model:Net", parameters: {width: 8}}
"""
FEATURES = [Feature(name="pressure", view="pump_state", kind="number")]
CURVE = Curve(x=[0, 1], y=[0, 1])
BINS = ScoreBins(edges=[0.5], counts=[18, 2])


def _dataset() -> DatasetManifest:
    return DatasetManifest(
        digest="d" * 64,
        join_keys=["pump"],
        features=FEATURES,
        positive="yes",
        slices=[],
        split=SplitRule(by="hash", test=0.2, validation=0.1),
        rows={"train": 70, "validation": 10, "test": 20},
        positives={"train": 7, "validation": 1, "test": 2},
    )


def _model(name: str, role: str, value: float) -> ModelResult:
    return ModelResult(
        name=name,
        role=role,
        metrics={"roc_auc": Estimate(value=value, low=value - 0.1, high=value + 0.1)},
        roc=CURVE,
        precision_recall=CURVE,
        calibration=CURVE,
    )


def _evaluation() -> Evaluation:
    return Evaluation(
        rows=20,
        positives=2,
        models=[
            _model("candidate", "candidate", 0.8),
            _model("logistic_regression", "baseline", 0.7),
        ],
        comparisons=[
            Comparison(
                other="logistic_regression",
                metric="roc_auc",
                difference=Estimate(value=0.1, low=0.05, high=0.15),
            )
        ],
        slices=[],
        parity=1e-7,
        latency={"p50": 0.00001, "p99": 0.00002},
        model_size=5,
    )


def _verdict() -> Verdict:
    return Verdict(
        results=[
            GateResult(gate="roc_auc >= 0.7", outcome="pass", evidence="0.8", value=0.8, limit=0.7),
            GateResult(
                gate="p99 latency <= 5 ms",
                outcome="pass",
                evidence="0.02 ms",
                value=0.00002,
                limit=0.005,
            ),
        ]
    )


def _lineage() -> Lineage:
    return Lineage(
        snapshot="5" * 64,
        as_of="2024-01-01T00:00:00+00:00",
        dataset="d" * 64,
        feature_views=["pump_state"],
        contract="c" * 64,
        code_revision="0" * 64,
        signal="manual",
    )


@dataclass(frozen=True)
class Made:
    """What steps before the register step made, and the bundles that come of it."""

    root: Path
    workload: Workload
    dataset: DatasetManifest = field(default_factory=_dataset)
    evaluation: Evaluation = field(default_factory=_evaluation)
    verdict: Verdict = field(default_factory=_verdict)
    lineage: Lineage = field(default_factory=_lineage)
    champion: Card | None = None

    @property
    def exported(self) -> Path:
        return self.root / "exported"

    def export(self, model: bytes, bins: ScoreBins = BINS) -> "Made":
        self.exported.mkdir(exist_ok=True)
        (self.exported / "model.onnx").write_bytes(model)
        (self.exported / "reference.parquet").write_bytes(b"reference")
        (self.exported / "lookup.json").write_text('{"project": "pumps", "views": []}')
        (self.exported / "parity.parquet").write_bytes(b"not in the bundle")
        ExportManifest(
            model=digest_of_bytes(model),
            size=len(model),
            opset=20,
            inputs=FEATURES,
            bins=bins,
            reference=[FeatureReference(name="pressure", measure="ks", usual=0.1, high=0.2)],
        ).write(self.exported / "export.json")
        return self

    def but(self, **changes: object) -> "Made":
        return replace(self, **changes)  # type: ignore[arg-type]

    def bundle(self, out: str = "bundle") -> Bundle:
        return build_bundle(
            workload=self.workload,
            dataset=self.dataset,
            exported=self.exported,
            evaluation=self.evaluation,
            verdict=self.verdict,
            lineage=self.lineage,
            champion=self.champion,
            out=self.root / out,
        )


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Made]:
    """Make the outcome of training in a folder of the given name."""

    def make(folder: str) -> Made:
        root = tmp_path / folder
        root.mkdir()
        (root / "workload.yaml").write_text(WORKLOAD)
        return Made(root, load_workload(root)).export(b"model")

    return make


@pytest.fixture
def made(make: Callable[[str], Made]) -> Made:
    return make("one")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", timeout=1)


@pytest.fixture
def store(settings: Settings) -> Store:
    return open_store(settings)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let MLflow make its database once: that takes a second."""
    home = tmp_path_factory.mktemp("registry")
    with tracking(Settings(home=home), writes=True):
        pass
    return home / "mlflow.db"


@pytest.fixture
def local(settings: Settings, empty_registry: Path) -> Settings:
    """Settings of a registry in a SQLite file that holds nothing yet."""
    settings.home.mkdir()
    shutil.copy(empty_registry, settings.home / "mlflow.db")
    return settings
