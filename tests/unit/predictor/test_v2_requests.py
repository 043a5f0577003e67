"""Bodies of the v2 protocol become columns, or a fault that points at what is wrong."""

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.predictor.faults import ClientFault
from serving.predictor.signature import Signature
from serving.predictor.v2 import V2Reader

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def tensor(name: str, datatype: str, data: Any, shape: Any = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def read(signature: Signature, *inputs: Any, **more: Any) -> Any:
    body = json.dumps({"inputs": inputs, **more}).encode()
    return V2Reader(signature, MAX_ROWS).read(body, None, "ours")[0]


MAX_ROWS = 1000


def fault(signature: Signature, *inputs: Any, **more: Any) -> ClientFault:
    with pytest.raises(ClientFault) as caught:
        read(signature, *inputs, **more)
    assert caught.value.status == 400
    return caught.value


def test_numbers_are_float32_columns_with_nan_for_null(signature: Signature) -> None:
    column = read(signature, tensor("pressure", "FP32", [1.5, None, -2])).features["pressure"]
    assert column.dtype == np.float32
    np.testing.assert_array_equal(column, np.array([[1.5], [np.nan], [-2]], np.float32))


def test_texts_are_object_columns_with_an_empty_text_for_null(signature: Signature) -> None:
    column = read(signature, tensor("site", "BYTES", ["north", None])).features["site"]
    assert column.tolist() == [["north"], [""]]


@pytest.mark.parametrize("value", [0, 1.5, None])
def test_one_row_is_read_as_many_are(signature: Signature, value: float | None) -> None:
    one = read(signature, tensor("pressure", "FP32", [value])).features["pressure"]
    two = read(signature, tensor("pressure", "FP32", [value, 7])).features["pressure"]
    np.testing.assert_array_equal(one, two[:1])
    assert (one.dtype, one.shape) == (two.dtype, (1, 1))


@pytest.mark.parametrize(
    ("datatype", "value", "expected"),
    [
        ("FP64", 0.1, np.float32(0.1)),
        ("FP16", 2.5, 2.5),
        ("INT8", -128, -128),
        ("UINT8", 255, 255),
        ("INT64", 2**53 + 1, np.float32(2**53)),
        ("UINT64", 2**64 - 1, np.float32(2**64)),
        ("BOOL", True, 1),
    ],
)
def test_any_datatype_of_numbers_fits_a_number(
    signature: Signature, datatype: str, value: Any, expected: float
) -> None:
    for data in ([value], [value, None]):
        column = read(signature, tensor("pressure", datatype, data)).features["pressure"]
        assert column[0, 0] == np.float32(expected)


def test_data_may_be_nested_as_the_shape_is(signature: Signature) -> None:
    request = read(signature, tensor("pressure", "FP32", [[1], [2]], [2, 1]))
    assert request.rows == 2
    assert request.features["pressure"].tolist() == [[1.0], [2.0]]


def test_entity_keys_are_read_by_their_type(signature: Signature) -> None:
    request = read(signature, tensor("pump", "BYTES", ["p1"]), tensor("machine", "INT64", [7]))
    assert request.keys == {"pump": ["p1"], "machine": [7]}
    assert request.features == {}


def test_the_bodys_id_is_taken_before_ours(signature: Signature) -> None:
    assert read(signature, tensor("site", "BYTES", ["n"]), id="mine").id == "mine"
    assert read(signature, tensor("site", "BYTES", ["n"]), id=None).id == "ours"


@pytest.mark.parametrize(
    ("data", "datatype", "pointer"),
    [
        (["1"], "FP32", "/data/0"),
        ([1, "1"], "FP32", "/data/1"),
        ([1, True], "FP32", "/data/1"),
        ([1, 3.5e38], "FP32", "/data/1"),
        ([10**400], "FP64", "/data/0"),
        ([1, 10**400], "FP64", "/data/1"),
        ([70000], "FP16", "/data/0"),
        ([1.5], "INT32", "/data/0"),
        ([0, 128], "INT8", "/data/1"),
        ([-1], "UINT8", "/data/0"),
        ([2**63], "INT64", "/data/0"),
        ([1], "BOOL", "/data/0"),
        ([[1], [2]], "FP32", "/data/0"),
        ([{"a": 1}], "FP32", "/data/0"),
        ([1], "BYTES", "/datatype"),
        ([1], "FP8", "/datatype"),
    ],
)
def test_a_value_that_is_none_of_its_datatype_is_pointed_at(
    signature: Signature, data: list[Any], datatype: str, pointer: str
) -> None:
    found = fault(signature, tensor("pressure", datatype, data))
    assert found.pointer == f"/inputs/0{pointer}"


@pytest.mark.parametrize(
    ("given_input", "pointer"),
    [
        (tensor("site", "FP32", [1]), "/inputs/0/datatype"),
        (tensor("site", "BYTES", ["n", 1]), "/inputs/0/data/1"),
        (tensor("machine", "FP32", [1]), "/inputs/0/datatype"),
        (tensor("machine", "INT64", [2**31]), "/inputs/0/data/0"),
        (tensor("machine", "INT8", [128]), "/inputs/0/data/0"),
        (tensor("machine", "INT32", [True]), "/inputs/0/data/0"),
        (tensor("machine", "INT32", [None]), "/inputs/0/data/0"),
        (tensor("pump", "BYTES", [None]), "/inputs/0/data/0"),
        (tensor("pump", "INT32", [1]), "/inputs/0/datatype"),
        (tensor("presure", "FP32", [1]), "/inputs/0/name"),
        (tensor("pressure", "FP32", [1], [2]), "/inputs/0/data"),
        (tensor("pressure", "FP32", [1], [1, 2]), "/inputs/0/shape"),
        (tensor("pressure", "FP32", [1], [1, 1, 1]), "/inputs/0/shape"),
        (tensor("pressure", "FP32", [1], [-1]), "/inputs/0/shape"),
        (tensor("pressure", "FP32", [], [0]), "/inputs/0/shape"),
        (tensor("pressure", "FP32", [1], ["1"]), "/inputs/0/shape/0"),
        (tensor("pressure", "FP32", [[1, 2]], [1, 1]), "/inputs/0/data/0"),
        ({"name": "pressure", "datatype": "FP32", "shape": [1]}, "/inputs/0"),
        ({"datatype": "FP32", "shape": [1], "data": [1]}, "/inputs/0"),
        (7, "/inputs/0"),
    ],
)
def test_a_wrong_input_is_pointed_at(signature: Signature, given_input: Any, pointer: str) -> None:
    assert fault(signature, given_input).pointer == pointer


def test_inputs_must_agree_on_rows(signature: Signature) -> None:
    one, two = tensor("pressure", "FP32", [1]), tensor("site", "BYTES", ["n", "s"])
    assert fault(signature, one, two).pointer == "/inputs/1/shape"


def test_an_input_comes_once(signature: Signature) -> None:
    one = tensor("pressure", "FP32", [1])
    assert fault(signature, one, one).pointer == "/inputs/1/name"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"\xff"', b'{"inputs":[NaN]}', b"\xff\xfe"])
def test_what_is_no_json_object_is_a_fault(signature: Signature, body: bytes) -> None:
    with pytest.raises(ClientFault) as caught:
        V2Reader(signature, MAX_ROWS).read(body, None, "ours")
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"inputs":[],"parameters":{"good":1,"a/b.c":{"deep":1}}}', "/parameters/a~1b.c"),
        (b'{"inputs":[],"parameters":{"good":true,"none":null}}', "/parameters/none"),
        (
            b'{"inputs":[{"name":"site","shape":[1],"datatype":"BYTES","parameters":{"x":[]}}]}',
            "/inputs/0/parameters/x",
        ),
        (b'{"inputs":[],"parameters":{"a":[', "/parameters"),
        (b'{"inputs":[],"parameters":{"a":[]},"parameters":null}', "/parameters"),
        (b'{"inputs":[{"name":"s","parameters":{"x":[]}}],"inputs":[]}', "/inputs/0/parameters"),
    ],
)
def test_a_wrong_parameter_is_pointed_at_as_far_as_the_body_can_be_read(
    signature: Signature, body: bytes, pointer: str
) -> None:
    with pytest.raises(ClientFault) as caught:
        V2Reader(signature, MAX_ROWS).read(body, None, "ours")
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Pump", "'Pump'; did you mean 'pump'?"),
        ("presure", "'presure'; did you mean 'pressure'?"),
        ("q", "'q'; the model's metadata names those that it has"),
        ("x" * 10**6, f"'{'x' * 60}'; the model's metadata names those that it has"),
    ],
)
def test_an_unknown_input_is_told_with_the_one_most_like_it(
    signature: Signature, name: str, told: str
) -> None:
    found = fault(signature, tensor(name, "FP32", [1]))
    assert found.message == f"the model has no input {told}"
    assert found.pointer == "/inputs/0/name"


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_is_a_fault(signature: Signature, body: bytes) -> None:
    try:
        V2Reader(signature, MAX_ROWS).read(body, None, "ours")
    except ClientFault as found:
        assert found.status == 400


@given(
    name=st.sampled_from(["pressure", "site", "pump", "machine"]),
    datatype=st.sampled_from(["FP16", "FP32", "FP64", "INT8", "UINT64", "BOOL", "BYTES", "X"]),
    data=JSON,
    shape=JSON | st.lists(st.integers(-1, 3), max_size=3),
)
def test_any_tensor_is_read_or_is_a_fault(
    signature: Signature, name: str, datatype: str, data: Any, shape: Any
) -> None:
    given_input = {"name": name, "datatype": datatype, "data": data, "shape": shape}
    try:
        request = read(signature, given_input)
    except ClientFault as found:
        assert found.status == 400
        return
    for column in request.features.values():
        assert column.shape == (request.rows, 1)
        assert column.dtype != np.float32 or not np.isinf(column).any()


def binary(signature: Signature, raw: bytes, **given_input: Any) -> Any:
    told = {"shape": [2], "parameters": {"binary_data_size": len(raw)}, **given_input}
    head = json.dumps({"inputs": [told]}).encode()
    return V2Reader(signature, MAX_ROWS).read(head + raw, len(head), "ours")[0]


def test_binary_tensors_are_read_with_nan_for_missing(signature: Signature) -> None:
    raw = np.array([1.5, np.nan], "<f4").tobytes()
    request = binary(signature, raw, name="pressure", datatype="FP32")
    np.testing.assert_array_equal(request.features["pressure"], [[1.5], [np.nan]])


def test_binary_texts_follow_their_lengths(signature: Signature) -> None:
    raw = b"".join(struct.pack("<I", len(text)) + text for text in ("nörd".encode(), b""))
    request = binary(signature, raw, name="site", datatype="BYTES")
    assert request.features["site"].tolist() == [["nörd"], [""]]


@pytest.mark.parametrize(
    ("datatype", "name", "raw"),
    [
        ("FP32", "pressure", b"\0" * 7),
        ("FP32", "pressure", np.array([1, np.inf], "<f4").tobytes()),
        ("BOOL", "pressure", b"\x01\x02"),
        ("BYTES", "site", b"\x01\x00\x00\x00a"),
        ("BYTES", "site", b"\xff\xff\xff\xffab"),
        ("BYTES", "site", b"\x01\x00\x00\x00\xff\x00\x00\x00\x00"),
        ("FP8", "pressure", b"\x00\x00"),
    ],
)
def test_wrong_bytes_are_a_fault(
    signature: Signature, datatype: str, name: str, raw: bytes
) -> None:
    with pytest.raises(ClientFault) as caught:
        binary(signature, raw, name=name, datatype=datatype)
    assert str(caught.value.pointer).startswith("/inputs/0")


@given(
    st.binary(max_size=30), st.sampled_from(["BYTES", "FP16", "INT64", "BOOL"]), st.integers(-1, 60)
)
def test_any_bytes_are_read_or_are_a_fault(
    signature: Signature, raw: bytes, datatype: str, size: int
) -> None:
    for name in ("site", "pressure"):
        try:
            binary(
                signature,
                raw,
                name=name,
                datatype=datatype,
                parameters={"binary_data_size": size},
            )
        except ClientFault as found:
            assert found.status == 400


def test_bytes_that_no_input_claims_are_a_fault(signature: Signature) -> None:
    with pytest.raises(ClientFault):
        binary(
            signature,
            b"\0" * 9,
            name="pressure",
            datatype="FP32",
            parameters={"binary_data_size": 8},
        )


def test_an_answer_is_binary_if_the_request_says_so(signature: Signature) -> None:
    def wants(**more: Any) -> bool:
        body = {"inputs": [tensor("pressure", "FP32", [1])], **more}
        return V2Reader(signature, MAX_ROWS).read(json.dumps(body).encode(), None, "ours")[1]

    output = {"name": "prediction"}
    assert not wants()
    assert wants(parameters={"binary_data_output": True})
    assert wants(outputs=[{**output, "parameters": {"binary_data": True}}])
    assert not wants(
        parameters={"binary_data_output": True},
        outputs=[{**output, "parameters": {"binary_data": False}}],
    )


@pytest.mark.parametrize("binary", [False, True])
def test_more_rows_than_allowed_are_refused_where_the_request_says_so(
    signature: Signature, binary: bool
) -> None:
    one = tensor("pressure", "FP32", [1.5] * (MAX_ROWS + 1))
    raw = b""
    if binary:
        raw = struct.pack("<f", 1.5) * len(one.pop("data"))
        one["parameters"] = {"binary_data_size": len(raw)}
    head = json.dumps({"inputs": [one]}).encode()
    with pytest.raises(ClientFault, match="at most 1000 rows") as caught:
        V2Reader(signature, MAX_ROWS).read(head + raw, len(head), "ours")
    assert (caught.value.status, caught.value.pointer) == (400, "/inputs/0/shape")
