"""What only requests bring, and a text that is a feature and a key at once."""

import json
from typing import Any

import pytest
from test_resolving import Store, request, resolve, texts

from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from serving.predictor.answering import InferRequest, Resolved
from serving.predictor.faults import ClientFault
from serving.predictor.oip_messages import ModelInferRequest
from serving.predictor.oip_reading import OipReader
from serving.predictor.schemas import schemas_of
from serving.predictor.signature import Input, Signature
from serving.predictor.v1 import V1Reader
from serving.predictor.v2 import V2Reader

PLAN = LookupPlan(
    project="pumps",
    views=[
        ViewLookup(
            view="machine_load",
            join_keys=[JoinKey(name="machine", type="INT32")],
            fields=[LookupField(name="load", type="INT64")],
        ),
        ViewLookup(
            view="pump_state",
            join_keys=[JoinKey(name="pump", type="STRING")],
            fields=[
                LookupField(name="pressure", type="DOUBLE"),
                LookupField(name="site", type="STRING"),
            ],
        ),
    ],
)
BOOKED = Signature(
    (
        Input("pressure", "number", "pump_state"),
        Input("site", "category", "pump_state"),
        Input("pump", "category", ""),
        Input("distance", "number", ""),
    ),
    PLAN,
)
"""`pump` is the key of the pump's state, and a feature; the distance, only the request knows."""


class Served:
    name, version, digest, signature = "pumps", "3", "d" * 64, BOOKED


def tensor(name: str, datatype: str, *data: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": list(data)}


def v2(*tensors: dict[str, Any]) -> InferRequest:
    content = json.dumps({"inputs": tensors}).encode()
    return V2Reader(BOOKED, 10).read(content, None, "id")[0]


def v1(*instances: Any) -> InferRequest:
    return V1Reader(BOOKED, 10).read(json.dumps({"instances": instances}).encode(), "id")


def grpc(pump: str, distance: float) -> InferRequest:
    message = ModelInferRequest(model_name="pumps")
    one = message.inputs.add(name="pump", datatype="BYTES", shape=[1])
    one.contents.bytes_contents.append(pump.encode())
    two = message.inputs.add(name="distance", datatype="FP32", shape=[1])
    two.contents.fp32_contents.append(distance)
    return OipReader(Served(), 10).read(message.SerializeToString())[0]  # type: ignore[arg-type]


def values(found: Resolved) -> list[Any]:
    names = ("pressure", "site", "pump", "distance")
    return [found.columns[name][:, 0].tolist() for name in names]


@pytest.mark.parametrize(
    "asked",
    [
        v2(tensor("pump", "BYTES", "p1"), tensor("distance", "FP32", 7.5)),
        v1({"pump": "p1", "distance": 7.5}),
        grpc("p1", 7.5),
    ],
    ids=["v2", "v1", "grpc"],
)
def test_a_text_that_is_a_key_too_finds_its_features_and_is_one(asked: InferRequest) -> None:
    store = Store()
    found = resolve(BOOKED, store, asked)
    assert values(found) == [[1.5], ["north"], ["p1"], [7.5]]
    assert found.origins == {"pressure": "store", "site": "store"}
    assert store.reads == [({"pump": ["p1"]}, [1])]


def test_requests_of_one_shape_each_find_their_own_entity() -> None:
    store = Store()
    for pump, pressure in (("p1", [1.5]), ("p2", [None]), ("p1", [1.5])):
        asked = v2(tensor("pump", "BYTES", pump), tensor("distance", "FP32", 1))
        found = resolve(BOOKED, store, asked).columns["pressure"][:, 0].tolist()
        assert found == pressure or found[0] != found[0]
    assert [keys["pump"] for keys, _ in store.reads] == [["p1"], ["p2"], ["p1"]]


def test_rows_of_v1_may_bring_a_key_that_is_a_feature_beside_whole_rows() -> None:
    store = Store()
    whole = {"pump": None, "distance": 1, "pressure": 9, "site": "south"}
    found = resolve(BOOKED, store, v1(whole, {"pump": "p1", "distance": 7.5}))
    assert values(found) == [[9, 1.5], ["south", "north"], ["", "p1"], [1, 7.5]]
    assert store.reads == [({"pump": ["p1"]}, [1])]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (v1({"pump": "p1"}), "the input 'distance' is missing: no key finds it, a request brings"),
        (v2(tensor("pump", "BYTES", "p1")), "the input 'distance' is missing"),
        (v1({"pressure": 1}), "the inputs 'pump', 'distance' are missing: no key finds them"),
        (v1({"distance": 1}), "the input 'pump' is missing: no key finds it"),
        (v1({"distance": 1, "pump": None}), "'pressure' is missing, and so is the key 'pump'"),
        (v2(tensor("pump", "BYTES", ""), tensor("distance", "FP32", 1)), "so is the key 'pump'"),
    ],
)
def test_a_request_by_keys_that_lacks_what_only_it_can_bring_is_told_so(
    asked: InferRequest, told: str
) -> None:
    with pytest.raises(ClientFault, match=told) as caught:
        resolve(BOOKED, Store(), asked)
    assert caught.value.status == 400


def test_without_the_store_what_was_brought_stays(signature: Signature) -> None:
    asked = request(1, features={"pump": texts("p1"), "distance": texts("")})
    found = resolve(BOOKED, Store(down=True), asked, defaults={"pressure": 2.0})
    assert found.degraded
    assert found.columns["pump"].tolist() == [["p1"]]
    assert found.origins == {"pressure": "default", "site": "default"}


def test_an_unknown_input_is_answered_with_each_known_one_once() -> None:
    with pytest.raises(ClientFault) as caught:
        v2(tensor("zzz", "FP32", 1))
    assert caught.value.message.count("pump") <= 1


def test_the_description_asks_for_a_text_that_finds_features() -> None:
    schemas = schemas_of(Served(), 10)  # type: ignore[arg-type]
    row = schemas["PredictRequest"]["properties"]["instances"]["items"]["anyOf"][0]
    by_keys = row["anyOf"][1]
    assert by_keys["required"] == ["pump", "distance"]
    assert by_keys["properties"] == {"pump": {"type": "string", "minLength": 1}}
    assert row["properties"]["pump"] == {"type": ["string", "null"]}
    names = schemas["InferRequest"]["properties"]["inputs"]["items"]["properties"]["name"]["enum"]
    assert sorted(names) == ["distance", "pressure", "pump", "site"]
