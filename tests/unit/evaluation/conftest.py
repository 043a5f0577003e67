"""Small datasets, ONNX graphs, exports and bundles to evaluate."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from threadpoolctl import threadpool_limits

from millrace.dataset.manifest import DatasetManifest, Feature, SplitRule
from millrace.dataset.split import assign_parts
from millrace.digests import digest_of_file
from millrace.export.manifest import OUTPUT, ExportManifest, ScoreBins
from millrace.registry.card import Card, Lineage
from millrace.workload import Workload
from millrace.workload.spec import WorkloadManifest

sys.path.insert(0, str(Path(__file__).parent))

FEATURES = [
    Feature(name="age", view="profile", kind="number"),
    Feature(name="spend", view="billing", kind="number"),
    Feature(name="plan", view="billing", kind="category"),
]
RULE = SplitRule(by="hash", test=0.5, validation=0.1)


@dataclass(frozen=True)
class Logistic:
    """A logistic model that numpy and ONNX both can answer for."""

    numbers: dict[str, float] = field(default_factory=lambda: {"age": 1.0, "spend": -0.5})
    categories: dict[str, dict[str, float]] = field(
        default_factory=lambda: {"plan": {"gold": -1.0, "basic": 1.0}}
    )
    bias: float = -1.0

    def answer(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probabilities for the rows: missing numbers count 0, unseen text too."""
        logit = np.full(len(frame), self.bias)
        for name, weight in self.numbers.items():
            logit += weight * frame[name].fillna(0).to_numpy()
        for name, weights in self.categories.items():
            logit += frame[name].map(weights).fillna(0).to_numpy()
        return 1 / (1 + np.exp(-logit))

    def write(self, file: Path) -> Path:
        """Write the model as an ONNX graph with an input for each feature."""
        nodes, inputs, terms = [], [], []
        constants = {"zero": [0.0], "bias": [self.bias]}
        for name, weight in self.numbers.items():
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]))
            constants[f"{name}_weight"] = [weight]
            nodes += [
                helper.make_node("IsNaN", [name], [f"{name}_missing"]),
                helper.make_node("Where", [f"{name}_missing", "zero", name], [f"{name}_filled"]),
                helper.make_node("Mul", [f"{name}_filled", f"{name}_weight"], [f"{name}_term"]),
            ]
            terms.append(f"{name}_term")
        for name, weights in self.categories.items():
            inputs.append(helper.make_tensor_value_info(name, TensorProto.STRING, ["n", 1]))
            nodes.append(
                helper.make_node(
                    "LabelEncoder",
                    [name],
                    [f"{name}_term"],
                    domain="ai.onnx.ml",
                    keys_strings=list(weights),
                    values_floats=list(weights.values()),
                    default_float=0.0,
                )
            )
            terms.append(f"{name}_term")
        nodes.append(helper.make_node("Sum", [*terms, "bias"], ["logit"]))
        nodes.append(helper.make_node("Sigmoid", ["logit"], [OUTPUT]))
        output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 1])
        held = [
            helper.make_tensor(name, TensorProto.FLOAT, [1], values)
            for name, values in constants.items()
        ]
        graph = helper.make_graph(nodes, "logistic", inputs, [output], held)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), file)
        return file


class Maker:
    """Makes what an evaluation reads, under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth = Logistic()

    def rows(self, n: int = 2400, seed: int = 0) -> pd.DataFrame:
        """Return customers whose label follows the true model."""
        random = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {
                "customer": [f"c{i}" for i in range(n)],
                "age": random.normal(size=n).astype(np.float32),
                "spend": random.normal(size=n).astype(np.float32),
                "plan": random.choice(["gold", "basic", ""], size=n),
                "__slice__region": random.choice(["north", "south"], size=n),
            }
        )
        frame.loc[random.random(n) < 0.1, "spend"] = np.nan
        frame["__label__"] = (random.random(n) < self.truth.answer(frame)).astype(np.float32)
        return frame

    def dataset(self, frame: pd.DataFrame | None = None, name: str = "dataset") -> Path:
        """Write a dataset folder of the rows."""
        frame = self.rows() if frame is None else frame
        folder = self.folder / name
        folder.mkdir()
        parts = assign_parts(RULE, frame[["customer"]])
        for part in ("train", "validation", "test"):
            frame[parts == part].reset_index(drop=True).to_parquet(folder / f"{part}.parquet")
        DatasetManifest(
            digest="d" * 64,
            join_keys=["customer"],
            features=FEATURES,
            positive="Yes",
            slices=[c.removeprefix("__slice__") for c in frame if c.startswith("__slice__")],
            split=RULE,
            rows={p: int((parts == p).sum()) for p in ("train", "validation", "test")},
            positives={
                p: int(frame["__label__"][parts == p].sum())
                for p in ("train", "validation", "test")
            },
        ).write(folder / "manifest.json")
        return folder

    def export(self, dataset: Path, model: Logistic | None = None, name: str = "exported") -> Path:
        """Write an export folder of a model for the dataset."""
        model = model or self.truth
        folder = self.folder / name
        folder.mkdir()
        file = model.write(folder / "model.onnx")
        test = pd.read_parquet(dataset / "test.parquet")
        answers = model.answer(test).astype(np.float32)
        pd.DataFrame({OUTPUT: answers}).to_parquet(folder / "parity.parquet")
        used = [f for f in FEATURES if f.name in (*model.numbers, *model.categories)]
        ExportManifest(
            model=digest_of_file(file),
            size=file.stat().st_size,
            opset=18,
            inputs=used,
            bins=ScoreBins(edges=[0.5], counts=[0, 0]),
            reference=[],
        ).write(folder / "export.json")
        return folder

    def bundle(
        self,
        model: Logistic | None = None,
        *,
        inputs: list[Feature] | None = None,
        split: SplitRule = RULE,
        name: str = "champion",
    ) -> Path:
        """Write what evaluation reads of a champion's bundle."""
        folder = self.folder / name
        folder.mkdir()
        file = (model or self.truth).write(folder / "model.onnx")
        lineage = Lineage(
            snapshot="s",
            as_of="2024-01-01T00:00:00+00:00",
            dataset="d",
            feature_views=["profile", "billing"],
            contract="c",
            code_revision="r",
            signal="manual",
        )
        Card(
            workload="shop",
            model=digest_of_file(file),
            lineage=lineage,
            split=split,
            join_keys=["customer"],
            inputs=FEATURES if inputs is None else inputs,
            positive="Yes",
            training={},
            metrics={},
            gates=[],
            bins=ScoreBins(edges=[0.2, 0.4, 0.6], counts=[1, 1, 1, 1]),
            reference=[],
        ).write(folder / "card.json")
        return folder

    def workload(self, seed: int = 7) -> Workload:
        """Return the workload that all of this is for."""
        manifest = WorkloadManifest.model_validate(
            {
                "apiVersion": "millrace.dev/v1alpha1",
                "kind": "Workload",
                "metadata": {"name": "shop"},
                "spec": {
                    "source": {"kind": "csv", "path": "shop.csv"},
                    "contract": {"columns": {"left": {"type": "category"}}},
                    "entities": ["customer"],
                    "features": ["profile", "billing"],
                    "target": {"column": "left", "kind": "binary", "positive": "Yes"},
                    "split": {"by": "hash", "test": 0.5, "validation": 0.1},
                    "training": {"module": "model:Net", "seed": seed},
                },
            }
        )
        return Workload("shop", self.folder, {}, manifest.spec)

    def worse(self) -> Logistic:
        """Return a model that knows less than the true one."""
        return replace(self.truth, numbers={"age": 0.2, "spend": 0.0})


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Run numpy and scikit-learn on one thread, as `evaluate` does."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def logistic() -> type[Logistic]:
    return Logistic
