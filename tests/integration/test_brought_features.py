"""A real predictor is asked by keys for a model one of whose features only requests know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from serving.predictor.oip_messages import SERVICE, ModelInferRequest, ModelInferResponse
from tests.integration.predictors import MODEL, Predictor, make_bundle, predictor

LACKING = "the input 'site' is missing: no key finds it, a request brings it"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """Run a predictor without an online store: the pressure, which keys find, counts as missing."""
    folder = tmp_path_factory.mktemp("brought")
    with predictor(make_bundle(folder / "bundle", brought=True), folder) as running:
        yield running


def tensor(name: str, *data: str) -> dict[str, Any]:
    return {"name": name, "datatype": "BYTES", "shape": [len(data)], "data": list(data)}


def test_keys_beside_what_the_request_brings_are_answered(running: Predictor) -> None:
    v2 = running.infer({"inputs": [tensor("pump", "p1", "p2"), tensor("site", "north", "south")]})
    assert v2.json["outputs"][0]["data"] == pytest.approx([0.7310586, 0.2689414])
    v1 = running.predict({"pump": "p1", "site": "north"}, {"pump": "p2", "site": None})
    assert v1.json["predictions"] == pytest.approx([0.7310586, 0.5])


def test_keys_alone_are_answered_with_what_is_missing(running: Predictor) -> None:
    v2 = running.infer({"inputs": [tensor("pump", "p1")]})
    assert (v2.status, v2.json) == (400, {"error": LACKING, "pointer": "/inputs"})
    v1 = running.predict({"pump": "p1", "site": "north"}, {"pump": "p2"})
    assert (v1.status, v1.json) == (400, {"error": LACKING, "pointer": "/instances/1"})


def test_grpc_says_the_same(running: Predictor) -> None:
    message = ModelInferRequest(model_name=MODEL)
    pump = message.inputs.add(name="pump", datatype="BYTES", shape=[1])
    pump.contents.bytes_contents.append(b"p1")
    with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
        infer = channel.unary_unary(
            f"/{SERVICE}/ModelInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelInferResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as caught:
            infer(message, timeout=20)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert LACKING in caught.value.details()
        site = message.inputs.add(name="site", datatype="BYTES", shape=[1])
        site.contents.bytes_contents.append(b"north")
        answer = infer(message, timeout=20)
        assert answer.outputs[0].contents.fp32_contents[0] == pytest.approx(0.7310586)
