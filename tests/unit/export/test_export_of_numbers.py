"""The graph of a model for a number answers as torch does, with its quantiles as an output."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from samples import (
    NET,
    NUMBER,
    NUMBER_NET,
    as_columns,
    number_frame,
    write_dataset,
    write_workload,
)

from millrace.dataset.manifest import DatasetManifest
from millrace.errors import ExportError
from millrace.export import ExportManifest, export
from millrace.export.session import Graph
from millrace.training import train
from millrace.training.preprocessing import Preprocessing

MEAN_ONLY = "{column: paid, kind: regression}"


@dataclass
class Done:
    dataset: Path
    model: Path
    out: Path

    @property
    def manifest(self) -> ExportManifest:
        return ExportManifest.read(self.out / "export.json")

    def session(self) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession((self.out / "model.onnx").read_bytes())

    def answers(self) -> np.ndarray:
        """Return what the graph says of the test rows."""
        preprocessing = Preprocessing.read(self.model / "preprocessing.json")
        graph = Graph.load((self.out / "model.onnx").read_bytes(), preprocessing)
        features = DatasetManifest.read(self.dataset / "manifest.json").features
        frame = pd.read_parquet(self.dataset / "test.parquet")
        return graph.answers(as_columns(frame, features))


def exported(folder: Path, model: str = NUMBER_NET, target: str = NUMBER, **columns: object):
    workload = write_workload(folder / "w", model, target=target, epochs=2, learning_rate=0.05)
    dataset = write_dataset(folder / "data", kind="regression", **columns)
    train(workload, dataset, folder / "model", checkpoint=folder / "kept")
    export(workload, dataset, folder / "model", folder / "out")
    return Done(dataset, folder / "model", folder / "out")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    return exported(tmp_path_factory.mktemp("numbers"))


def test_prediction_and_quantiles_are_two_outputs_for_any_number_of_rows(done):
    session = done.session()
    shapes = {output.name: (output.type, output.shape) for output in session.get_outputs()}
    assert shapes == {
        "prediction": ("tensor(float)", ["n", 1]),
        "quantiles": ("tensor(float)", ["n", 2]),
    }
    for rows in (1, 5):
        feed = {
            node.name: np.full((rows, 1), "", object)
            if "string" in node.type
            else np.full((rows, 1), np.nan, np.float32)
            for node in session.get_inputs()
        }
        prediction, quantiles = session.run(["prediction", "quantiles"], feed)
        assert (prediction.shape, quantiles.shape) == ((rows, 1), (rows, 2))
        assert np.isfinite(quantiles).all()


def test_the_manifest_lists_the_outputs_and_the_levels_of_the_quantiles(done):
    told = done.manifest
    assert told.kind == "regression"
    assert [(output.name, output.width) for output in told.outputs] == [
        ("prediction", 1),
        ("quantiles", 2),
    ]
    assert told.quantiles == [0.1, 0.9]


def test_onnx_answers_every_output_as_torch_does(done):
    parity = pd.read_parquet(done.out / "parity.parquet")
    assert list(parity.columns) == ["prediction", "quantile 0.1", "quantile 0.9"]
    answers = done.answers()
    assert answers.shape == (60, 3)
    np.testing.assert_allclose(answers, parity.to_numpy(), rtol=1e-4, atol=1e-5)
    assert (np.diff(answers[:, 1:], axis=1) >= 0).all()


def test_scores_are_counted_by_the_prediction_and_the_reference_keeps_it(done):
    reference = pd.read_parquet(done.out / "reference.parquet")
    assert list(reference.columns)[-1] == "prediction"
    assert "quantiles" not in reference.columns
    assert done.manifest.bins.edges[0] > 100
    assert sum(done.manifest.bins.counts) == 60


def test_two_exports_of_the_same_rows_are_the_same_bytes(done, tmp_path):
    again = exported(tmp_path / "elsewhere")
    for file in done.out.iterdir():
        assert (again.out / file.name).read_bytes() == file.read_bytes(), file.name


def test_without_quantiles_there_is_one_output(tmp_path):
    done = exported(tmp_path, NET, MEAN_ONLY)
    assert [output.name for output in done.session().get_outputs()] == ["prediction"]
    assert (done.manifest.kind, done.manifest.quantiles) == ("regression", [])
    parity = pd.read_parquet(done.out / "parity.parquet")
    assert list(parity.columns) == ["prediction"]


def test_one_quantile_is_an_output_of_its_own(tmp_path):
    done = exported(tmp_path, target="{column: paid, kind: regression, quantiles: [0.5]}")
    assert done.session().get_outputs()[1].shape == ["n", 1]
    assert list(pd.read_parquet(done.out / "parity.parquet").columns)[1] == "quantile 0.5"


def test_a_feature_named_like_the_quantiles_is_refused(tmp_path):
    frames = [number_frame(rows).rename(columns={"age": "quantiles"}) for rows in (60, 20, 20)]
    with pytest.raises(ExportError) as raised:
        exported(tmp_path, frames=frames, numbers=("quantiles",), categories=())
    assert "the feature 'quantiles' is named like the model's output" in str(raised.value)
