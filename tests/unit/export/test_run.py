"""An export writes all that is needed to serve, compare and watch a model, and the same twice."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from samples import NET, as_columns, write_dataset, write_workload

from millrace.dataset.manifest import LABEL, DatasetManifest
from millrace.digests import digest_of_file
from millrace.errors import ExportError, MillraceError, TrainingError
from millrace.export import ExportManifest, export
from millrace.export.session import Graph
from millrace.training import train
from millrace.training.preprocessing import Preprocessing
from millrace.training.scorer import load_scorer
from millrace.workload import Workload

FILES = {"model.onnx", "export.json", "reference.parquet", "parity.parquet", "lookup.json"}


@dataclass
class Done:
    workload: Workload
    dataset: Path
    model: Path
    out: Path


def trained(folder: Path, model: str = NET, **rows: object) -> Done:
    workload = write_workload(folder / "w", model, epochs=2, class_weight="balanced")
    dataset = write_dataset(folder / "dataset", **rows)
    train(workload, dataset, folder / "model", checkpoint=folder / "kept")
    return Done(workload, dataset, folder / "model", folder / "out")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    done = trained(tmp_path_factory.mktemp("done"))
    export(done.workload, done.dataset, done.model, done.out)
    return done


def test_two_runs_in_two_folders_write_the_same_bytes(done, tmp_path):
    again = trained(tmp_path / "a folder elsewhere")
    export(again.workload, again.dataset, again.model, again.out)
    assert {path.name for path in again.out.iterdir()} == FILES
    for name in FILES:
        assert (again.out / name).read_bytes() == (done.out / name).read_bytes(), name


def test_the_manifest_tells_what_was_written(done):
    manifest = ExportManifest.read(done.out / "export.json")
    dataset = DatasetManifest.read(done.dataset / "manifest.json")
    assert manifest.model == digest_of_file(done.out / "model.onnx")
    assert manifest.size == (done.out / "model.onnx").stat().st_size
    assert manifest.inputs == dataset.features
    opsets = {o.domain: o.version for o in onnx.load(done.out / "model.onnx").opset_import}
    assert manifest.opset == opsets[""]
    assert [r.name for r in manifest.reference] == [f.name for f in dataset.features]
    assert sum(manifest.bins.counts) == dataset.rows["test"]


def test_parity_holds_the_answers_of_torch_in_the_order_of_the_test_rows(done):
    parity = pd.read_parquet(done.out / "parity.parquet")
    test = pd.read_parquet(done.dataset / "test.parquet")
    assert list(parity.columns) == ["prediction"]
    assert parity["prediction"].dtype == np.float32
    features = DatasetManifest.read(done.dataset / "manifest.json").features
    graph = Graph.load(
        (done.out / "model.onnx").read_bytes(),
        Preprocessing.read(done.model / "preprocessing.json"),
    )
    np.testing.assert_allclose(
        parity["prediction"], graph.predict(as_columns(test, features)), rtol=0, atol=1e-5
    )


def test_the_reference_holds_training_rows_as_the_store_does_with_their_scores(done):
    reference = pd.read_parquet(done.out / "reference.parquet")
    rows = pd.read_parquet(done.dataset / "train.parquet").drop(columns=["customer", LABEL])
    assert list(reference.columns) == [*rows.columns, "prediction"]
    pd.testing.assert_frame_equal(reference[list(rows.columns)], rows)
    assert reference["total spent"].dtype == np.float32
    assert reference["prediction"].between(0, 1).all()


def test_the_lookup_plan_goes_along(done):
    assert (done.out / "lookup.json").read_bytes() == (done.dataset / "lookup.json").read_bytes()


def failure(tmp_path: Path, model: str, kind: type[MillraceError] = ExportError, **rows) -> str:
    done = trained(tmp_path, model, **rows)
    with pytest.raises(kind) as raised:
        export(done.workload, done.dataset, done.model, done.out)
    assert not done.out.exists()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def altered(answer: str) -> str:
    return NET.replace("self.out(self.dropout(hidden)).squeeze(1)", answer)


def test_an_operator_without_counterpart_is_named(tmp_path):
    line = failure(
        tmp_path,
        altered(
            "self.out(torch.linalg.qr(hidden.T @ hidden)[0])[:1, 0] + self.out(hidden).squeeze(1)"
        ),
    )
    assert "the operator aten.linalg_qr has no counterpart in ONNX" in line
    assert "model.py" in line


def test_a_branch_on_values_is_told_with_its_line(tmp_path):
    line = failure(
        tmp_path,
        NET.replace(
            "embedded =",
            "if numbers.sum() > 1e9:\n            numbers = numbers * 2\n        embedded =",
        ),
    )
    assert "w/model.py:17: forward branches on the values of a tensor" in line
    assert "torch.where" in line


def test_what_torch_cannot_trace_is_quoted_in_one_line(tmp_path):
    model = altered(
        "self.out(hidden).squeeze(1) if not torch.compiler.is_exporting() else hidden.nothing"
    )
    line = failure(tmp_path, model)
    assert "w/model.py:19: the module cannot be exported: AttributeError" in line


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            "self.out(hidden).squeeze(1).mean().reshape(1)",
            "found float32 [1, 1]; expected float32 [60, 1]",
        ),
        ("self.out(hidden).reshape(3, -1)[:, 0]", "the graph fails on 1 rows"),
    ],
)
def test_a_graph_that_answers_in_another_shape_is_told(tmp_path, answer, told):
    here = "self.out(hidden).squeeze(1)"
    model = altered(f"{here} if not torch.compiler.is_exporting() else {answer}")
    assert told in failure(tmp_path, model)


def test_answers_that_are_no_numbers_are_an_error(tmp_path):
    model = altered(
        "self.out(hidden).squeeze(1) if not torch.compiler.is_exporting() "
        "else torch.log(numbers[:, 0] - 100)"
    )
    line = failure(tmp_path, model)
    assert "the model's answer is no number for 1 of 1 rows; found nan in row 0" in line


def test_a_module_whose_export_differs_is_left_for_evaluation_to_find(tmp_path):
    done = trained(
        tmp_path,
        altered("self.out(hidden).squeeze(1) + (1 if torch.compiler.is_exporting() else 0)"),
    )
    export(done.workload, done.dataset, done.model, done.out)
    features = DatasetManifest.read(done.dataset / "manifest.json").features
    test = pd.read_parquet(done.dataset / "test.parquet")
    graph = Graph.load(
        (done.out / "model.onnx").read_bytes(), load_scorer(done.workload, done.model).preprocessing
    )
    from_torch = pd.read_parquet(done.out / "parity.parquet")["prediction"]
    assert np.abs(graph.predict(as_columns(test, features)) - from_torch).min() > 0.01


def test_a_feature_named_like_the_output_is_an_error(tmp_path):
    frame = pd.read_parquet(write_dataset(tmp_path / "other") / "train.parquet")
    frames = [frame.rename(columns={"age": "prediction"})] * 3
    line = failure(tmp_path, NET, numbers=("prediction",), frames=frames)
    assert "the feature 'prediction' is named like the model's output" in line


def test_an_empty_test_part_is_an_error(tmp_path):
    assert "the test part is empty" in failure(tmp_path, NET, rows=(50, 20, 0))


def test_weights_of_another_module_are_an_error(done, tmp_path):
    changed = write_workload(tmp_path / "w", NET.replace("width: int = 4", "width: int = 5"))
    with pytest.raises(TrainingError, match=r"the weights of .*state.pt do not fit.*train again"):
        export(changed, done.dataset, done.model, tmp_path / "out")


def test_a_state_that_is_not_whole_is_an_error(done, tmp_path):
    model = Path(shutil.copytree(done.model, tmp_path / "model"))
    (model / "state.pt").write_bytes((model / "state.pt").read_bytes()[:100])
    with pytest.raises(TrainingError, match="do not fit"):
        export(done.workload, done.dataset, model, tmp_path / "out")


def test_a_dataset_without_a_lookup_plan_is_an_error(done, tmp_path):
    dataset = Path(shutil.copytree(done.dataset, tmp_path / "dataset"))
    (dataset / "lookup.json").unlink()
    with pytest.raises(MillraceError, match="the LookupPlan document is missing"):
        export(done.workload, dataset, done.model, tmp_path / "out")
