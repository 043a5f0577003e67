"""A model may have more outputs than the prediction: all are served, in every protocol."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from millrace.errors import ServingError
from millrace.features.lookup import LookupPlan
from serving.predictor.answering import InferAnswer
from serving.predictor.event_outputs import EventOutputs
from serving.predictor.faults import ClientFault
from serving.predictor.model import Model
from serving.predictor.oip_messages import ModelInferRequest, ModelInferResponse
from serving.predictor.oip_reading import OipReader
from serving.predictor.oip_writing import OipOutputsWriter
from serving.predictor.outputs import outputs_of
from serving.predictor.replies import metadata
from serving.predictor.signature import PREDICTION, Input, Output, Signature
from serving.predictor.v1 import V1RowsWriter
from serving.predictor.v2 import V2Reader
from serving.predictor.v2_writing import V2OutputsWriter

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
PREDICTED = ("prediction", FLOAT, ["n", 1])
QUANTILES = ("quantiles", FLOAT, ["n", 3])
SIGNATURE = Signature(
    (Input("x", "number", "v"),),
    LookupPlan(project="p", views=[]),
    outputs=(PREDICTION, Output("quantiles", (3,))),
)


def session(*outputs: tuple[str, int, list[Any]], nodes: dict[str, Any] | None = None) -> Any:
    """Return a session of a graph with an input `x`; each output is made by a node, or is x + c."""
    made = []
    for name, _, shape in outputs:
        width = shape[-1] if shape and isinstance(shape[-1], int) else 1
        values = numpy_helper.from_array(np.arange(width, dtype=np.float32), f"{name}_c")
        made.append(helper.make_node("Constant", [], [f"{name}_c"], value=values))
        made += (nodes or {}).get(name) or [helper.make_node("Add", ["x", f"{name}_c"], [name])]
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["n", 1])],
        [helper.make_tensor_value_info(*output) for output in outputs],
    )
    opsets = [helper.make_opsetid("", 20)]
    content = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(content)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content.SerializeToString(), options)


def model(*outputs: tuple[str, int, list[Any]], nodes: dict[str, Any] | None = None) -> Model:
    """Return the model of such a session, as it is loaded."""
    found = session(*outputs, nodes=nodes)
    signature = Signature(SIGNATURE.inputs, SIGNATURE.plan, outputs=outputs_of(found, "m"))
    return Model("m", "3", "d" * 64, cast(Any, None), signature, found)


def answer(rows: int = 2, **more: Any) -> InferAnswer:
    predictions = np.array([[0.5], [np.nan]], np.float32)[:rows]
    quantiles = np.array([[0.25, 0.5, 0.75], [1, np.inf, 3]], np.float32)[:rows]
    columns = {"x": np.array([[1.5], [np.nan]], np.float32)[:rows]}
    return InferAnswer("id-1", predictions, columns, {}, others=[quantiles], **more)


MODEL = Model("m", "3", "d" * 64, cast(Any, None), SIGNATURE, None)
TOLD = {
    "prediction": {"name": "prediction", "datatype": "FP32", "shape": [2, 1], "data": [0.5, None]},
    "quantiles": {
        "name": "quantiles",
        "datatype": "FP32",
        "shape": [2, 3],
        "data": [0.25, 0.5, 0.75, 1.0, None, 3.0],
    },
}


def test_the_prediction_comes_first_wherever_the_graph_has_it() -> None:
    loaded = model(QUANTILES, PREDICTED)
    assert loaded.signature.outputs == (PREDICTION, Output("quantiles", (3,)))
    assert loaded.warm_up() > 0
    predictions, quantiles = loaded.predict({"x": np.array([[1], [5]], np.float32)})
    assert predictions.tolist() == [[1], [5]]
    assert quantiles.tolist() == [[1, 2, 3], [5, 6, 7]]


def test_metadata_tell_all_outputs() -> None:
    path = ("path", FLOAT, ["n", "k"])
    loaded = model(QUANTILES, PREDICTED, path, nodes={"path": kept("path", axis=1)})
    assert metadata(loaded)["outputs"] == [
        {"name": "prediction", "datatype": "FP32", "shape": [-1, 1]},
        {"name": "quantiles", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "path", "datatype": "FP32", "shape": [-1, -1]},
    ]


def kept(name: str, axis: int) -> list[Any]:
    """Return nodes that keep the first row or column of x, of which no shape is known before."""
    first = numpy_helper.from_array(np.array([True]), f"{name}_first")
    return [
        helper.make_node("Constant", [], [f"{name}_first"], value=first),
        helper.make_node("Compress", ["x", f"{name}_first"], [name], axis=axis),
    ]


CAST = helper.make_node("Cast", ["x"], ["label"], to=INT)
SUM = helper.make_node("ReduceSum", ["x"], ["total"], keepdims=1)


@pytest.mark.parametrize(
    ("outputs", "nodes", "words"),
    [
        ([QUANTILES], {}, "the model has no output 'prediction'; found quantiles"),
        ([PREDICTED, ("label", INT, ["n", 1])], {"label": [CAST]}, "'label' is not one of rows"),
        ([PREDICTED, ("total", FLOAT, [1, 1])], {"total": [SUM]}, "'total' is not one of rows"),
        ([PREDICTED, ("one", FLOAT, ["k", 1])], {"one": kept("one", 0)}, "its output 'one' a row"),
        ([("prediction", FLOAT, ["n", 2])], {}, "does not answer one number a row"),
    ],
)
def test_outputs_that_are_not_of_rows_are_refused_before_anything_is_served(
    outputs: list[Any], nodes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ServingError, match=words):
        model(*outputs, nodes=nodes).warm_up()


def test_v1_tells_a_row_as_an_object_of_all_outputs() -> None:
    body = json.loads(V1RowsWriter(MODEL).write(answer(degraded=True)))
    assert body["parameters"] == {"bundle_digest": "d" * 64, "degraded": True}
    assert body["predictions"] == [
        {"prediction": 0.5, "quantiles": [0.25, 0.5, 0.75]},
        {"prediction": None, "quantiles": [1.0, None, 3.0]},
    ]


def v2(**asked: Any) -> tuple[Any, bytes]:
    """Return the JSON and the bytes after it that a v2 request is answered with."""
    inputs = [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}]
    body = json.dumps({"inputs": inputs, **asked}).encode()
    request, binary = V2Reader(SIGNATURE, 10).read(body, None, "ours")
    writer, told = V2OutputsWriter(MODEL), answer(wanted=request.wanted)
    if not binary:
        return json.loads(writer.write(told)), b""
    content, size = writer.write_binary(told)
    return json.loads(content[:size]), content[size:]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (None, ["prediction", "quantiles"]),
        ([], ["prediction", "quantiles"]),
        (["quantiles"], ["quantiles"]),
        (["quantiles", "prediction", "quantiles"], ["quantiles", "prediction"]),
    ],
)
def test_v2_answers_with_the_outputs_that_were_asked_for(
    names: list[str] | None, told: list[str]
) -> None:
    asked = {} if names is None else {"outputs": [{"name": name} for name in names]}
    body, rest = v2(**asked)
    assert (body["id"], rest) == ("id-1", b"")
    assert body["outputs"] == [TOLD[name] for name in told]


def test_v2_answers_each_output_as_binary_if_so_asked() -> None:
    body, rest = v2(parameters={"binary_data_output": True})
    assert [output["parameters"]["binary_data_size"] for output in body["outputs"]] == [8, 24]
    np.testing.assert_array_equal(
        np.frombuffer(rest, "<f4"), [0.5, np.nan, 0.25, 0.5, 0.75, 1, np.inf, 3]
    )
    as_binary = {"name": "quantiles", "parameters": {"binary_data": True}}
    body, rest = v2(outputs=[{"name": "prediction"}, as_binary])
    assert body["outputs"][0] == TOLD["prediction"]
    assert (
        body["outputs"][1]["parameters"]
        == {"binary_data_size": 24}
        == {"binary_data_size": len(rest)}
    )


def test_an_output_that_the_model_does_not_have_is_answered_with_those_that_it_has() -> None:
    with pytest.raises(ClientFault, match="no output 'score'; it has prediction, quantiles") as v2_:
        v2(outputs=[{"name": "prediction"}, {"name": "score"}])
    assert (v2_.value.status, v2_.value.pointer) == (400, "/outputs/1/name")
    with pytest.raises(ClientFault, match="no output 'score'; it has prediction, quantiles"):
        oip(raw=False, outputs=[{"name": "score"}])


def oip(*, raw: bool, **asked: Any) -> Any:
    """Return what a gRPC request is answered with."""
    tensor: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [1, 1]}
    if raw:
        asked["raw_input_contents"] = [b"\0\0\0\0"]
    else:
        tensor["contents"] = {"fp32_contents": [1.0]}
    message = ModelInferRequest(model_name="m", inputs=[tensor], **asked)
    request, is_raw = OipReader(MODEL, 10).read(message.SerializeToString())
    told = answer(degraded=True, wanted=request.wanted)
    return ModelInferResponse.FromString(OipOutputsWriter(MODEL).write(told, raw=is_raw))


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("names", [[], ["quantiles"], ["quantiles", "prediction"]])
def test_grpc_answers_with_the_outputs_that_were_asked_for(raw: bool, names: list[str]) -> None:
    found = oip(raw=raw, outputs=[{"name": name} for name in names])
    assert (found.id, found.parameters["degraded"].bool_param) == ("id-1", True)
    assert [output.name for output in found.outputs] == (names or ["prediction", "quantiles"])
    values = {"prediction": [0.5, np.nan], "quantiles": [0.25, 0.5, 0.75, 1, np.inf, 3]}
    for place, output in enumerate(found.outputs):
        assert (output.datatype, list(output.shape)) == ("FP32", TOLD[output.name]["shape"])
        told = (
            np.frombuffer(found.raw_output_contents[place], "<f4")
            if raw
            else np.array(output.contents.fp32_contents, np.float32)
        )
        np.testing.assert_array_equal(told, values[output.name])


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("at_once", [1, 2048])
def test_an_event_carries_all_outputs_whatever_was_asked_for(
    rows: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.predictor.event_outputs.VALUES_AT_ONCE", at_once)
    data = EventOutputs(MODEL)
    event = data.event(answer(rows, wanted=((1, False),)), 0.0)
    content = data.whole([event]) if rows == 1 else [*data.pieces(event)]
    assert (
        json.loads(b"".join(content))["predictions"]
        == [
            {"prediction": 0.5, "quantiles": [0.25, 0.5, 0.75]},
            {"prediction": None, "quantiles": [1.0, None, 3.0]},
        ][:rows]
    )
