"""Whatever a client sends over gRPC is answered or its own fault, and nothing breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from serving.predictor.oip_messages import (
    HEALTH_SERVICE,
    SERVICE,
    ModelInferRequest,
    ModelInferResponse,
)
from tests.integration.predictors import MODEL, Predictor
from tests.integration.pump_store import KNOWN, LOOKUPS, predictor_with_store

CLIENTS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
INFER = f"/{SERVICE}/ModelInfer"
METHODS = (
    INFER,
    f"/{SERVICE}/ModelReady",
    f"/{SERVICE}/ModelMetadata",
    f"/{SERVICE}/ServerMetadata",
    f"/{SERVICE}/ServerReady",
    f"/{SERVICE}/ServerLive",
    f"/{HEALTH_SERVICE}/Check",
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

names = st.sampled_from(["pressure", "site", "pump", "", "other"])
datatypes = st.sampled_from(
    ["FP16", "FP32", "FP64", "BYTES", "BOOL", "INT8", "INT32", "INT64", "UINT64", "", "X"]
)
shapes = st.lists(
    st.sampled_from([1, 2, 0, -1, 3, 2**62, -(2**63)]) | st.integers(-(2**63), 2**63 - 1),
    max_size=3,
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
        "bytes_contents": st.lists(st.binary(max_size=6) | st.just(b"north"), max_size=3),
    },
)
tensors = st.fixed_dictionaries(
    {"name": names, "datatype": datatypes, "shape": shapes},
    optional={"contents": contents},
)
pumps = st.sampled_from([KNOWN, "0", "north"]) | st.text(
    st.characters(codec="utf-8"), min_size=1, max_size=6
)


def keyed(names: list[str]) -> list[dict[str, Any]]:
    """Return the inputs of a request that is right, and brings only keys."""
    texts = {"bytes_contents": [name.encode() for name in names]}
    return [{"name": "pump", "datatype": "BYTES", "shape": [len(names)], "contents": texts}]


keys = st.lists(pumps, min_size=1, max_size=3).map(keyed)
requests = st.fixed_dictionaries(
    {"model_name": st.sampled_from([MODEL] * 9 + ["other"])},
    optional={
        "id": st.text(st.characters(codec="utf-8"), max_size=5),
        "model_version": st.sampled_from(["", "3", "4"]),
        "inputs": st.lists(tensors, max_size=4) | keys,
        "outputs": st.lists(st.sampled_from([{"name": "prediction"}, {"name": "x"}]), max_size=2),
        "raw_input_contents": st.lists(st.binary(max_size=12), max_size=4),
        "parameters": st.just({"a": {"int64_param": 1}}),
    },
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    with predictor_with_store(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def channel(server: Predictor) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as opened:
        yield opened


def send(channel: grpc.Channel, content: bytes, method: str = INFER) -> None:
    """Send a message; anything but an answer must be the client's fault."""
    try:
        channel.unary_unary(method)(content, timeout=20)
    except grpc.RpcError as error:
        told: Any = error
        assert told.code() in CLIENTS, (told.code(), told.details())


@FUZZ
@given(requests)
@example({"model_name": MODEL, "inputs": [{"name": "site", "datatype": "BYTES", "shape": [1]}]})
@example({"model_name": MODEL, "inputs": keyed([KNOWN])})
def test_messages_of_any_content(channel: grpc.Channel, fields: dict[str, Any]) -> None:
    send(channel, ModelInferRequest(**fields).SerializeToString())


@FUZZ
@given(keys, st.lists(tensors, max_size=1))
def test_keys_of_any_text_beside_any_feature(
    channel: grpc.Channel, inputs: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    send(channel, ModelInferRequest(model_name=MODEL, inputs=inputs + others).SerializeToString())


@FUZZ
@given(st.binary(max_size=80), st.sampled_from(METHODS))
def test_bytes_that_may_be_no_message(channel: grpc.Channel, content: bytes, method: str) -> None:
    send(channel, content, method)


@FUZZ
@given(requests, st.data())
def test_messages_with_bytes_changed(
    channel: grpc.Channel, fields: dict[str, Any], data: st.DataObject
) -> None:
    content = bytearray(ModelInferRequest(**fields).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    send(channel, bytes(content[: data.draw(st.integers(0, len(content)))]))


def test_after_all_that_it_answers_and_has_not_failed_once(
    server: Predictor, channel: grpc.Channel
) -> None:
    good = ModelInferRequest(model_name=MODEL, inputs=keyed([KNOWN]))
    answer = channel.unary_unary(INFER)(good.SerializeToString(), timeout=20)
    told = ModelInferResponse.FromString(answer).outputs[0].contents.fp32_contents
    assert told == pytest.approx([1 / (1 + math.exp(-2.5))]), "the store's pressure, in the north"
    assert server.metric(LOOKUPS) > 10, "fuzzed keys are looked up"
    assert not server.logs("failed")
    for code in (500, 503):
        counted = f'millrace_predictor_requests_total{{code="{code}",protocol="grpc"}}'
        assert server.metric(counted) == 0
