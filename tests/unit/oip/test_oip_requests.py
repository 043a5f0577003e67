"""Messages as requests: what is taken, and which field a fault is told with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from serving.predictor.answering import InferAnswer
from serving.predictor.faults import ClientFault
from serving.predictor.oip_messages import ModelInferRequest, ModelInferResponse
from serving.predictor.oip_reading import OipReader, field_path
from serving.predictor.oip_writing import OipWriter
from serving.predictor.signature import Input, Signature

KEYS = [JoinKey(name="pump", type="STRING"), JoinKey(name="till", type="INT32")]
FIELDS = [LookupField(name="pressure", type="DOUBLE"), LookupField(name="site", type="STRING")]
SIGNATURE = Signature(
    (Input("pressure", "number", "state"), Input("site", "category", "state")),
    LookupPlan(project="pumps", views=[ViewLookup(view="state", join_keys=KEYS, fields=FIELDS)]),
)
MODEL: Any = SimpleNamespace(name="pumps", version="3", digest="d" * 64, signature=SIGNATURE)
MAX_ROWS = 1000


def tensor(name: str, datatype: str, shape: list[int], **contents: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "contents": contents}


def read(*inputs: dict[str, Any], **more: Any) -> Any:
    message = ModelInferRequest(**{"model_name": "pumps", **more}, inputs=inputs)
    return OipReader(MODEL, MAX_ROWS).read(message.SerializeToString())[0]


def fault(*inputs: dict[str, Any], **more: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientFault) as told:
        read(*inputs, **more)
    error = told.value
    return error.status, field_path(error.pointer or ""), error.message


def test_typed_contents_become_columns() -> None:
    request = read(
        tensor("pressure", "FP32", [1, 1], fp32_contents=[1.5]),
        tensor("site", "BYTES", [1, 1], bytes_contents=["Süd".encode()]),
        id="mine",
    )
    assert (request.id, request.rows, request.protocol) == ("mine", 1, "grpc")
    assert request.features["pressure"].dtype == np.float32
    assert request.features["pressure"].tolist() == [[1.5]]
    assert request.features["site"].tolist() == [["Süd"]]


@pytest.mark.parametrize(
    ("datatype", "field", "values"),
    [
        ("FP32", "fp32_contents", [1.0, float("nan"), -3.0]),
        ("FP64", "fp64_contents", [1.0, float("nan"), -3.0]),
        ("INT32", "int_contents", [1, 0, -3]),
        ("INT64", "int64_contents", [1, 0, -3]),
        ("UINT8", "uint_contents", [1, 0, 3]),
        ("UINT64", "uint64_contents", [1, 0, 3]),
        ("BOOL", "bool_contents", [True, False, True]),
    ],
)
def test_numbers_of_any_datatype_are_taken_and_nan_is_missing(
    datatype: str, field: str, values: list[Any]
) -> None:
    found = read(tensor("pressure", datatype, [3], **{field: values})).features["pressure"]
    np.testing.assert_array_equal(found, np.array(values, np.float32).reshape(3, 1))


def test_raw_contents_become_columns() -> None:
    message = ModelInferRequest(
        model_name="pumps",
        inputs=[
            {"name": "pressure", "datatype": "FP16", "shape": [2, 1]},
            {"name": "site", "datatype": "BYTES", "shape": [2]},
        ],
        raw_input_contents=[
            np.array([0.5, np.nan], "<f2").tobytes(),
            b"\x05\x00\x00\x00north\x00\x00\x00\x00",
        ],
    )
    request, is_raw = OipReader(MODEL, MAX_ROWS).read(message.SerializeToString())
    assert is_raw
    assert request.id == ""
    np.testing.assert_array_equal(request.features["pressure"], [[0.5], [np.nan]])
    assert request.features["site"].tolist() == [["north"], [""]]


def test_entity_keys_are_taken_by_their_types() -> None:
    request = read(
        tensor("pump", "BYTES", [2], bytes_contents=[b"a", b"b"]),
        tensor("till", "INT64", [2], int64_contents=[1, -1]),
    )
    assert request.keys == {"pump": ["a", "b"], "till": [1, -1]}


ROW = tensor("pressure", "FP32", [1], fp32_contents=[1.0])


@pytest.mark.parametrize(
    ("inputs", "place"),
    [
        ([], "inputs"),
        ([tensor("nothing", "FP32", [1], fp32_contents=[1])], "inputs[0].name"),
        ([ROW, ROW], "inputs[1].name"),
        ([ROW, tensor("site", "BYTES", [2], bytes_contents=[b"", b""])], "inputs[1].shape"),
        ([tensor("pressure", "FP32", [], fp32_contents=[1])], "inputs[0].shape"),
        ([tensor("pressure", "FP32", [0], fp32_contents=[])], "inputs[0].shape"),
        ([tensor("pressure", "FP32", [1, 2], fp32_contents=[1, 2])], "inputs[0].shape"),
        ([tensor("pressure", "FP32", [-1], fp32_contents=[1])], "inputs[0].shape"),
        ([tensor("pressure", "FP32", [999], fp32_contents=[1])], "inputs[0].contents"),
        ([tensor("pressure", "FP32", [1], int_contents=[1])], "inputs[0].contents"),
        ([tensor("pressure", "FP16", [1], fp32_contents=[1])], "inputs[0].datatype"),
        ([tensor("pressure", "REAL", [1], fp32_contents=[1])], "inputs[0].datatype"),
        ([tensor("pressure", "BYTES", [1], bytes_contents=[b"1"])], "inputs[0].datatype"),
        ([tensor("pressure", "FP32", [1], fp32_contents=[1e39])], "inputs[0].contents[0]"),
        ([tensor("pressure", "FP64", [1], fp64_contents=[1e300])], "inputs[0].contents[0]"),
        ([tensor("pressure", "INT8", [1], int_contents=[300])], "inputs[0].contents[0]"),
        ([tensor("site", "BYTES", [1], bytes_contents=[b"\xff"])], "inputs[0].contents[0]"),
        ([tensor("site", "FP32", [1], fp32_contents=[1])], "inputs[0].datatype"),
        ([tensor("pump", "FP32", [1], fp32_contents=[1])], "inputs[0].datatype"),
        ([tensor("pump", "BYTES", [1], bytes_contents=[b""])], "inputs[0].contents[0]"),
        ([tensor("till", "INT64", [1], int64_contents=[2**31])], "inputs[0].contents[0]"),
    ],
)
def test_a_fault_is_told_with_its_field(inputs: list[dict[str, Any]], place: str) -> None:
    status, found, _ = fault(*inputs)
    assert (status, found) == (400, place)


def test_raw_contents_must_be_those_of_the_inputs() -> None:
    bare = {"name": "pressure", "datatype": "FP32", "shape": [1]}
    assert fault(bare, raw_input_contents=[b"", b""])[:2] == (400, "raw_input_contents")
    assert fault(bare, raw_input_contents=[b"123"])[:2] == (400, "inputs[0]")
    assert fault(ROW, raw_input_contents=[b"1234"])[:2] == (400, "inputs[0].contents")


def test_other_models_versions_outputs_and_ids_are_refused() -> None:
    assert fault(ROW, model_name="other")[0] == 404
    assert fault(ROW, model_version="4")[0] == 404
    assert read(ROW, model_version="3").rows == 1
    assert fault(ROW, outputs=[{"name": "score"}])[:2] == (400, "outputs[0].name")
    assert fault(ROW, id="a b")[:2] == (400, "id")


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\x05ab", b"\x0a\x01\xff"])
def test_bytes_that_are_no_message_are_refused(content: bytes) -> None:
    with pytest.raises(ClientFault) as told:
        OipReader(MODEL, MAX_ROWS).read(content)
    assert told.value.status == 400


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("degraded", [False, True])
def test_an_answer_says_what_was_predicted_by_what(rows: int, raw: bool, degraded: bool) -> None:
    writer = OipWriter(MODEL)
    for turn in range(2):
        predictions = np.linspace(turn / 4, 0.9, rows, dtype=np.float32).reshape(rows, 1)
        answer = InferAnswer(f"id-{turn}", predictions, {}, {}, degraded=degraded)
        told = ModelInferResponse.FromString(writer.write(answer, raw=raw))
        assert (told.model_name, told.model_version, told.id) == ("pumps", "3", f"id-{turn}")
        assert told.parameters["bundle_digest"].string_param == "d" * 64
        assert ("degraded" in told.parameters) == degraded
        (output,) = told.outputs
        assert (output.name, output.datatype, list(output.shape)) == (
            *("prediction", "FP32"),
            [rows, 1],
        )
        if raw:
            (content,) = told.raw_output_contents
            values = np.frombuffer(content, "<f4")
        else:
            values = np.array(output.contents.fp32_contents, np.float32)
        np.testing.assert_array_equal(values, predictions[:, 0])


def test_more_rows_than_allowed_are_refused() -> None:
    for rows in (MAX_ROWS + 1, 2**62):
        many = tensor("pressure", "FP32", [rows], fp32_contents=[1.0] * (MAX_ROWS + 1))
        status, place, told = fault(many)
        assert (status, place) == (400, "inputs[0].shape")
        assert "at most 1000 rows" in told
