"""Events carry the attributes of KServe's logger, and all that a prediction was made from."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.errors import ServingError
from millrace.features.lookup import LookupPlan
from serving.predictor.answering import InferAnswer
from serving.predictor.event_data import EventData
from serving.predictor.event_shape import EventShape
from serving.predictor.event_sink import EventSink
from serving.predictor.signature import Input, Signature

SIGNATURE = Signature(
    (Input("pressure", "number", "state"), Input("site", "category", "state")),
    LookupPlan(project="pumps", views=[]),
)
MODEL: Any = SimpleNamespace(name="pumps", version="3", digest="d" * 64, signature=SIGNATURE)


def answer(rows: int = 1, **more: Any) -> InferAnswer:
    pressure = np.array([[1.5], [np.nan], [0.0]], np.float32)[:rows]
    site = np.array([["Süd"], [""], ["x"]], object)[:rows]
    told = {"origins": {}, "degraded": False, "id": "id-1", **more}
    return InferAnswer(
        predictions=np.array([[0.5], [0.25], [1.0]], np.float32)[:rows],
        columns={"pressure": pressure, "site": site},
        **told,
    )


def structured(given: InferAnswer, model: Any = MODEL) -> dict[str, Any]:
    data = EventData(model)
    event = data.event(given, 1_700_000_000.25)
    pieces = data.whole([event]) if len(given.predictions) == 1 else [*data.pieces(event)]
    whole = EventShape(model).structured(event) + b"".join(pieces) + b"}"
    told: dict[str, Any] = json.loads(whole)
    return told


@pytest.mark.parametrize("rows", [1, 3])
def test_an_event_tells_the_keys_that_features_were_read_by(rows: int) -> None:
    keys = {"pump": ["Süd 1", None, ""][:rows], "machine": [2**63 - 1, -1, None][:rows]}
    origins = {"pressure": "store", "site": ["store", "request", "request"][:rows]}
    told = structured(answer(rows, keys=keys, origins=origins))["data"]
    assert told["keys"] == keys
    assert told["origins"] == origins
    assert list(told)[-3:] == ["keys", "instances", "predictions"]
    assert "keys" not in structured(answer(rows))["data"]


def test_an_event_names_the_namespace_of_its_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "team-a")
    assert structured(answer())["namespace"] == "team-a"


def test_an_event_has_the_attributes_of_kserves_logger() -> None:
    told = structured(answer())
    told.pop("data")
    assert told == {
        "specversion": "1.0",
        "id": "id-1",
        "type": "org.kubeflow.serving.inference.request",
        "source": "/models/pumps/versions/3",
        "time": "2023-11-14T22:13:20.250Z",
        "datacontenttype": "application/json",
        "inferenceservicename": "pumps-v3",
        "namespace": "default",
        "component": "predictor",
        "endpoint": "default",
    }


def test_binary_mode_carries_the_same_in_headers() -> None:
    event = EventData(MODEL).event(answer(id='a"b%c'), 1_700_000_000.0)
    shape = EventShape(MODEL)
    lines = (shape.headers + shape.own_headers(event, 7)).decode().splitlines()
    assert lines.pop() == ""
    headers = dict(line.split(": ", 1) for line in lines)
    expected = {f"ce-{k}": v for k, v in structured(answer()).items() if k[:4] != "data"}
    expected |= {
        "ce-id": "a%22b%25c",
        "ce-time": "2023-11-14T22:13:20.000Z",
        "content-type": "application/json",
        "content-length": "7",
    }
    assert headers == expected


def test_the_data_are_the_resolved_rows_and_the_predictions() -> None:
    assert structured(answer(3))["data"] == {
        "id": "id-1",
        "model_name": "pumps",
        "model_version": "3",
        "parameters": {"bundle_digest": "d" * 64},
        "origins": "request",
        "instances": [
            {"pressure": 1.5, "site": "Süd"},
            {"pressure": None, "site": None},
            {"pressure": 0.0, "site": "x"},
        ],
        "predictions": [0.5, 0.25, 1.0],
    }
    assert structured(answer())["data"]["instances"] == [{"pressure": 1.5, "site": "Süd"}]


@pytest.mark.parametrize(
    ("origins", "told"),
    [
        ({"pressure": "store", "site": "store"}, "store"),
        ({"site": "default"}, {"site": "default"}),
        ({"site": ["store", "request", "store"]}, {"site": ["store", "request", "store"]}),
    ],
)
def test_the_origin_of_each_value_is_told(origins: Any, told: Any) -> None:
    assert structured(answer(3, origins=origins))["data"]["origins"] == told


def test_an_answer_from_defaults_is_marked() -> None:
    assert structured(answer(degraded=True))["data"]["parameters"]["degraded"] is True


TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from(':",{}\\'))


@given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS.filter(bool))
def test_any_text_is_told_as_it_is_and_an_empty_one_as_null(texts: list[str], name: str) -> None:
    inputs = (Input(name, "category", "v"), Input(':"', "category", "v"))
    if name == ':"':
        return
    model = SimpleNamespace(**{**vars(MODEL), "signature": Signature(inputs, MODEL.signature.plan)})
    columns = {name: np.array(texts, object).reshape(-1, 1), ':"': np.array([[""]] * len(texts))}
    made = InferAnswer("id", np.zeros((len(texts), 1), np.float32), columns, {})
    told = structured(made, model)["data"]["instances"]
    assert told == [{name: text or None, ':"': None} for text in texts]


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host/", "http://", "host:80", "http://h:port/", "http://h/a b", "http://h:99999"],
)
def test_a_url_that_cannot_be_used_is_told(url: str) -> None:
    with pytest.raises(ServingError, match="--events-url"):
        EventSink(url, MODEL, EventData(MODEL), 1.0)
