"""The exported graph answers what torch answers, for whatever is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import (
    CATEGORIES,
    NET,
    NUMBERS,
    as_columns,
    features_of,
    sample_frame,
    write_dataset,
    write_workload,
)

from millrace.dataset.manifest import LABEL, Feature
from millrace.export.run import onnx_of
from millrace.export.session import Graph
from millrace.training import train
from millrace.training.scorer import Scorer, answers_of, load_scorer

CHURN = Path(__file__).parents[3] / "workloads" / "churn" / "model.py"


@dataclass
class Exported:
    scorer: Scorer
    content: bytes
    features: list[Feature]

    def compared(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the answers of onnxruntime and of torch."""
        columns = as_columns(frame.assign(**{LABEL: np.float32(0)}), self.features)
        graph = Graph.load(self.content, self.scorer.preprocessing)
        return graph.predict(columns), answers_of(self.scorer, columns)[:, 0]


def exported(
    folder: Path,
    numbers: tuple[str, ...],
    categories: tuple[str, ...],
    frames: list[pd.DataFrame] | None = None,
    model: str = NET,
) -> Exported:
    workload = write_workload(folder / "w", model, learning_rate=0.05, class_weight="balanced")
    dataset = write_dataset(
        folder / "dataset", numbers=numbers, categories=categories, frames=frames
    )
    train(workload, dataset, folder / "model", checkpoint=folder / "kept")
    scorer = load_scorer(workload, folder / "model")
    return Exported(scorer, onnx_of(scorer, workload), features_of(numbers, categories))


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Exported:
    return exported(tmp_path_factory.mktemp("both"), NUMBERS, CATEGORIES)


ROW = st.tuples(
    st.floats(width=32) | st.floats(0, 100, width=32),
    st.floats(width=32) | st.just(float("nan")),
    st.sampled_from(["basic", "plus", "", "unseen"]) | st.text(max_size=8),
    st.sampled_from(["klein", "groß", "", "GROSS"]) | st.none(),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROW, min_size=1, max_size=9))
def test_onnx_equals_torch_on_whatever_rows(both, rows):
    frame = pd.DataFrame(rows, columns=[*NUMBERS, *CATEGORIES])
    frame = frame.astype(dict.fromkeys(NUMBERS, np.float32))
    frame = frame.mask(np.isinf(frame[list(NUMBERS)]), 3e38)
    one, other = both.compared(frame)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_onnx_takes_what_training_would_refuse(both):
    session = onnxruntime.InferenceSession(both.content)
    feed = {
        "age": np.array([[np.inf], [-np.inf]], np.float32),
        "total spent": np.array([[np.nan], [3e38]], np.float32),
        "plan.name": np.array([["\x00"], ["basic"]], object),
        "größe": np.array([[""], ["\U0001f980"]], object),
    }
    (answers,) = session.run(["prediction"], feed)
    assert np.isfinite(answers).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_any_number_of_rows_is_answered_row_by_row(both, rows):
    frame = sample_frame(rows, seed=4)
    one, other = both.compared(frame)
    assert one.shape == (rows,)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_inputs_are_the_features_and_the_output_is_the_prediction(both):
    session = onnxruntime.InferenceSession(both.content)
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("age", "tensor(float)", ["n", 1]),
        ("total spent", "tensor(float)", ["n", 1]),
        ("plan.name", "tensor(string)", ["n", 1]),
        ("größe", "tensor(string)", ["n", 1]),
    ]
    assert [(o.name, o.type, o.shape) for o in session.get_outputs()] == [
        ("prediction", "tensor(float)", ["n", 1])
    ]


def test_the_graph_holds_no_remark_and_no_path(both, tmp_path):
    model = onnx.load_from_string(both.content)
    assert not model.metadata_props
    assert not model.graph.value_info
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert not any(value.metadata_props for value in model.graph.initializer)
    assert (model.producer_name, model.producer_version) == ("millrace", "")
    assert [opset.domain for opset in model.opset_import] == ["", "ai.onnx.ml"]
    for remark in (b"model.py", b"pkg.torch", b".venv", str(tmp_path.parent).encode()):
        assert remark not in both.content


@pytest.mark.parametrize(
    ("numbers", "categories"), [(NUMBERS, ()), ((), CATEGORIES), (("age",), ("größe",))]
)
def test_one_kind_of_features_or_one_of_each_is_enough(tmp_path, numbers, categories):
    graph = exported(tmp_path, numbers, categories)
    one, other = graph.compared(sample_frame(20, seed=5))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert len(np.unique(one)) > 1


def test_a_module_may_ask_for_a_tensor_without_columns(tmp_path):
    model = NET.replace(
        "embedded =", "numbers = torch.nn.functional.pad(numbers, (0, 1))\n        embedded ="
    ).replace("inputs.numbers + 2", "inputs.numbers + 1 + 2")
    graph = exported(tmp_path, (), CATEGORIES, model=model)
    one, other = graph.compared(sample_frame(20, seed=5))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("numbers", "categories"), [(NUMBERS, CATEGORIES), (NUMBERS, ()), ((), CATEGORIES)]
)
def test_the_module_that_users_copy_exports_whatever_its_inputs(tmp_path, numbers, categories):
    graph = exported(
        tmp_path, numbers, categories, model=CHURN.read_text().replace("ChurnNet", "Net")
    )
    frame = sample_frame(20, seed=5)
    frame.loc[:5, "age"] = np.float32(3e38)
    one, other = graph.compared(frame)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_odd_names_stay_as_they_are_and_clash_with_none_of_the_graphs_own(tmp_path):
    frame = sample_frame(20, seed=5)
    numbers = ("core.numbers", "sigmoid", "a b\tc/d:e", "front.one", "n")
    categories = ("core.categories", "front.index_0", "embedding", "数")
    for i, name in enumerate(numbers):
        frame[name] = frame[NUMBERS[i % 2]]
    for i, name in enumerate(categories):
        frame[name] = frame[CATEGORIES[i % 2]]
    graph = exported(tmp_path, numbers, categories, [frame] * 3)
    one, other = graph.compared(frame)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    names = [i.name for i in onnxruntime.InferenceSession(graph.content).get_inputs()]
    assert names == [*numbers, *categories]


def test_a_category_without_values_in_training_is_unknown_for_ever(tmp_path):
    frame = sample_frame(100).assign(**{"plan.name": ""})
    graph = exported(tmp_path, NUMBERS, CATEGORIES, [frame] * 3)
    one, _ = graph.compared(frame)
    other, _ = graph.compared(frame.assign(**{"plan.name": "new"}))
    np.testing.assert_array_equal(one, other)


def test_a_second_export_is_the_same_bytes_and_not_a_word_is_said(both, tmp_path, capfd, recwarn):
    workload = write_workload(tmp_path / "w")
    assert onnx_of(both.scorer, workload) == both.content
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
