import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from millrace.dataset.manifest import Feature
from millrace.errors import EvaluationError
from millrace.evaluation import scoring
from millrace.evaluation.scoring import score
from millrace.export.manifest import OUTPUT

FEATURES = [
    Feature(name="age", view="profile", kind="number"),
    Feature(name="spend", view="billing", kind="number"),
    Feature(name="plan", view="billing", kind="category"),
]
X = Feature(name="x", view="v", kind="number")


def graph_of(file, *nodes, output=OUTPUT, shape=("n", 1), held=()):
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, list(shape))],
        list(held),
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), file)
    return file


def test_rows_are_scored_as_numpy_scores_them_missing_and_unseen_values_included(make, logistic):
    frame = make.rows(500)
    frame.loc[:4, "plan"] = "never seen"
    model = logistic()
    scores = score(model.write(make.folder / "m.onnx"), frame, FEATURES)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores[:, 0], model.answer(frame), atol=1e-6)
    assert scores.shape == (500, 1)


def test_the_size_of_a_batch_changes_nothing(make, logistic, monkeypatch):
    frame = make.rows(100)
    file = logistic().write(make.folder / "m.onnx")
    whole = score(file, frame, FEATURES)
    monkeypatch.setattr(scoring, "_BATCH", 7)
    assert np.array_equal(score(file, frame, FEATURES), whole)


def test_null_text_is_missing_text(make, logistic):
    frame = make.rows(20)
    missing, null = frame.assign(plan=""), frame.assign(plan=None)
    file = logistic(categories={"plan": {"": 2.0}}).write(make.folder / "m.onnx")
    assert np.array_equal(score(file, null, FEATURES), score(file, missing, FEATURES))


@pytest.mark.parametrize("content", [b"", b"no graph", None])
def test_a_file_that_is_no_model_is_told_by_its_path(tmp_path, content):
    file = tmp_path / "model.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EvaluationError, match=r"model.onnx: onnxruntime cannot load the model"):
        score(file, pd.DataFrame({"x": [1.0]}), [X])


def test_a_graph_without_the_prediction_is_told_with_its_outputs(tmp_path):
    file = graph_of(
        tmp_path / "m.onnx", helper.make_node("Sigmoid", ["x"], ["logit"]), output="logit"
    )
    with pytest.raises(EvaluationError, match="found outputs logit; expected an output"):
        score(file, pd.DataFrame({"x": [1.0]}), [X])


@pytest.mark.parametrize(("column", "features"), [("y", [X]), ("x", [])])
def test_a_feature_that_is_missing_is_named(tmp_path, column, features):
    file = graph_of(tmp_path / "m.onnx", helper.make_node("Sigmoid", ["x"], [OUTPUT]))
    with pytest.raises(EvaluationError, match="the model needs the feature 'x'"):
        score(file, pd.DataFrame({column: [1.0]}), features)


def test_a_prediction_that_is_no_number_is_told_with_its_row_and_features(tmp_path):
    file = graph_of(tmp_path / "m.onnx", helper.make_node("Sqrt", ["x"], [OUTPUT]))
    with pytest.raises(EvaluationError, match=r"row 2 is no number \(2 such rows\).*x=-4\.0"):
        score(file, pd.DataFrame({"x": [1.0, 4.0, -4.0, -1.0]}), [X])


def test_a_graph_that_answers_two_numbers_a_row_is_refused(tmp_path):
    node = helper.make_node("Concat", ["x", "x"], [OUTPUT], axis=1)
    file = graph_of(tmp_path / "m.onnx", node, shape=("n", 2))
    with pytest.raises(EvaluationError, match=r"found prediction of shape \[2, 2\] for 2 rows"):
        score(file, pd.DataFrame({"x": [1.0, 2.0]}), [X])


def test_a_graph_that_fails_while_it_runs_is_told_by_its_path(tmp_path):
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [7, 1])
    node = helper.make_node("Reshape", ["x", "shape"], [OUTPUT])
    file = graph_of(tmp_path / "m.onnx", node, held=[shape])
    with pytest.raises(EvaluationError, match=r"m.onnx: onnxruntime cannot run the model"):
        score(file, pd.DataFrame({"x": [1.0, 2.0]}), [X])
