"""Our messages are, byte for byte, those of KServe's generated classes, in the same process."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from hypothesis import given
from hypothesis import strategies as st
from kserve.protocol.grpc import grpc_predict_v2_pb2 as theirs

from serving.predictor import oip_messages as ours

texts = st.text(st.characters(codec="utf-8"), max_size=8)
parameters = st.dictionaries(
    texts,
    st.one_of(
        st.builds(lambda v: {"bool_param": v}, st.booleans()),
        st.builds(lambda v: {"int64_param": v}, st.integers(-(2**63), 2**63 - 1)),
        st.builds(lambda v: {"string_param": v}, texts),
    ),
    max_size=2,
)
contents = st.fixed_dictionaries(
    {},
    optional={
        "bool_contents": st.lists(st.booleans(), max_size=3),
        "int_contents": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        "int64_contents": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
        "uint_contents": st.lists(st.integers(0, 2**32 - 1), max_size=3),
        "uint64_contents": st.lists(st.integers(0, 2**64 - 1), max_size=3),
        "fp32_contents": st.lists(st.floats(width=32), max_size=3),
        "fp64_contents": st.lists(st.floats(), max_size=3),
        "bytes_contents": st.lists(st.binary(max_size=5), max_size=3),
    },
)
tensors = st.fixed_dictionaries(
    {
        "name": texts,
        "datatype": texts,
        "shape": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
        "parameters": parameters,
        "contents": contents,
    }
)
head = {"model_name": texts, "model_version": texts, "id": texts, "parameters": parameters}
raw = st.lists(st.binary(max_size=9), max_size=3)
requests = st.fixed_dictionaries(
    {
        **head,
        "inputs": st.lists(tensors, max_size=3),
        "outputs": st.lists(st.fixed_dictionaries({"name": texts, "parameters": parameters})),
        "raw_input_contents": raw,
    }
)
responses = st.fixed_dictionaries(
    {**head, "outputs": st.lists(tensors, max_size=3), "raw_output_contents": raw}
)


@given(requests)
def test_a_request_survives_the_way_to_kserve_and_back(fields: dict[str, Any]) -> None:
    _travels("ModelInferRequest", fields)


@given(responses)
def test_an_answer_survives_the_way_to_kserve_and_back(fields: dict[str, Any]) -> None:
    _travels("ModelInferResponse", fields)


def _travels(name: str, fields: dict[str, Any]) -> None:
    message = ours.message_class(name)(**fields)
    there = getattr(theirs, name).FromString(message.SerializeToString())
    assert json_format.MessageToDict(there) == json_format.MessageToDict(message)
    back = ours.message_class(name).FromString(there.SerializeToString())
    again = back.SerializeToString(deterministic=True)
    assert again == message.SerializeToString(deterministic=True)


def _fields(message: Descriptor) -> dict[str, Any]:
    return {
        field.name: (field.number, field.type, field.is_repeated, field.containing_oneof is None)
        for field in message.fields
    }


@pytest.mark.parametrize(
    "name", [name for name in theirs.DESCRIPTOR.message_types_by_name if "Repository" not in name]
)
def test_names_numbers_and_types_are_the_protocols(name: str) -> None:
    expected = theirs.DESCRIPTOR.message_types_by_name[name]
    found = ours.message_class(name).DESCRIPTOR
    assert _fields(found) == _fields(expected)
    assert set(found.nested_types_by_name) == set(expected.nested_types_by_name)
    for nested in expected.nested_types:
        assert _fields(found.nested_types_by_name[nested.name]) == _fields(nested)
