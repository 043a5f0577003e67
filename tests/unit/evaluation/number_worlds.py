"""What evaluation reads of a workload that predicts a number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper

from millrace.dataset.manifest import DatasetManifest
from millrace.digests import digest_of_file
from millrace.export.manifest import (
    OUTPUT,
    QUANTILES,
    ExportManifest,
    ScoreBins,
    answer_names,
    outputs_for,
)
from millrace.registry.card import Card
from millrace.workload import Workload
from millrace.workload.spec import WorkloadManifest

LEVELS = [0.1, 0.9]
SIGMA = 4.0
REACH = 1.2816 * SIGMA
"""How far the quantiles 0.1 and 0.9 are from the mean of a normal number."""


@dataclass(frozen=True)
class Linear:
    """A linear model of age and spend; its quantiles are as far from the mean as it is told."""

    age: float = 10.0
    spend: float = -5.0
    bias: float = 50.0
    reach: tuple[float, ...] = (-REACH, REACH)

    def answer(self, frame: pd.DataFrame) -> np.ndarray:
        """Return mean and quantiles; shape [n, 1 + q]."""
        spend = frame["spend"].fillna(0).to_numpy(np.float64)
        mean = self.bias + self.age * frame["age"].to_numpy(np.float64) + self.spend * spend
        return np.column_stack([mean, *(mean + reach for reach in self.reach)])

    def write(self, file: Path) -> Path:
        node = helper.make_node
        constants = {
            "zero": [0.0],
            "by_age": [self.age],
            "by_spend": [self.spend],
            "bias": [self.bias],
            **({"reach": list(self.reach)} if self.reach else {}),
        }
        nodes = [
            node("IsNaN", ["spend"], ["missing"]),
            node("Where", ["missing", "zero", "spend"], ["filled"]),
            node("Mul", ["age", "by_age"], ["one"]),
            node("Mul", ["filled", "by_spend"], ["two"]),
            node("Sum", ["one", "two", "bias"], [OUTPUT]),
        ]
        outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 1])]
        if self.reach:
            shape = ["n", len(self.reach)]
            nodes.append(node("Add", [OUTPUT, "reach"], [QUANTILES]))
            outputs.append(helper.make_tensor_value_info(QUANTILES, TensorProto.FLOAT, shape))
        graph = helper.make_graph(
            nodes,
            "linear",
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1])
                for name in ("age", "spend")
            ],
            outputs,
            [
                helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)
                for name, values in constants.items()
            ],
        )
        opsets = [helper.make_opsetid("", 18)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), file)
        return file


def number_rows(make, n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Return rows whose label follows the model, with normal noise."""
    frame = make.rows(n, seed)
    noise = np.random.default_rng(seed + 1).normal(0, SIGMA, n)
    return frame.assign(__label__=(Linear().answer(frame)[:, 0] + noise).astype(np.float32))


def number_dataset(make, frame: pd.DataFrame | None = None) -> Path:
    """Write such rows as a dataset."""
    folder = make.dataset(number_rows(make) if frame is None else frame)
    numbers = {"kind": "regression", "positive": None, "positives": None}
    manifest = DatasetManifest.read(folder / "manifest.json")
    manifest.model_copy(update=numbers).write(folder / "manifest.json")
    return folder


def number_export(make, dataset: Path, model: Linear, levels: list[float] = LEVELS) -> Path:
    """Write an export folder of a model for the dataset."""
    folder = make.export(dataset)
    file = model.write(folder / "model.onnx")
    answers = model.answer(pd.read_parquet(dataset / "test.parquet")).astype(np.float32)
    pd.DataFrame(answers, columns=answer_names(levels)).to_parquet(folder / "parity.parquet")
    told = ExportManifest.read(folder / "export.json")
    told.model_copy(
        update={
            "model": digest_of_file(file),
            "kind": "regression",
            "outputs": outputs_for(levels),
            "quantiles": levels,
        }
    ).write(folder / "export.json")
    return folder


def number_bundle(make, model: Linear, levels: list[float] = LEVELS) -> Path:
    """Write what evaluation reads of a champion's bundle."""
    folder = make.bundle()
    model.write(folder / "model.onnx")
    numbers = {
        "kind": "regression",
        "positive": None,
        "outputs": outputs_for(levels),
        "quantiles": levels,
        "bins": ScoreBins(edges=[40.0, 50.0, 60.0], counts=[1, 1, 1, 1]),
    }
    Card.read(folder / "card.json").model_copy(update=numbers).write(folder / "card.json")
    return folder


def number_workload(make, levels: list[float] = LEVELS) -> Workload:
    """Return the workload that all of this is for."""
    document = {
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "Workload",
        "metadata": {"name": "shop"},
        "spec": {
            "source": {"kind": "csv", "path": "shop.csv"},
            "contract": {"columns": {"minutes": {"type": "number"}}},
            "entities": ["customer"],
            "features": ["profile", "billing"],
            "target": {"column": "minutes", "kind": "regression", "quantiles": levels},
            "split": {"by": "hash", "test": 0.5, "validation": 0.1},
            "training": {"module": "model:Net"},
        },
    }
    return Workload("shop", make.folder, {}, WorkloadManifest.model_validate(document).spec)
