"""Bodies of v1 and v2 become rows of named values; others are kept as they are."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from collector_worlds import Collecting
from hypothesis import given
from hypothesis import strategies as st

from serving.events.halves import Half
from serving.events.shaping import incomplete, joined
from tests.integration.logger_events import Logged, tensor

TOLD = {"model_name": "pumps", "outputs": [tensor("prediction", [0.5, 0.25])]}


def event_of(folder: Path, asked: Any, told: Any = TOLD, service: str = "pumps-v3") -> Any:
    world, logged = Collecting(folder), Logged("a", service=service, asked=asked, told=told)
    world.take(logged.request, logged.response)
    [event] = world.kept(f"models/{service.removesuffix('-v3')}.jsonl")
    return event


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_rows_of_v2_have_the_names_of_the_tensors(tmp_path: Path, shape: list[int]) -> None:
    inputs = [
        {"name": "pressure", "datatype": "FP32", "shape": shape, "data": [1.5, None]},
        {"name": "site", "datatype": "BYTES", "shape": shape, "data": ["Süd", "north"]},
        {"name": "wide", "datatype": "INT64", "shape": [2, 2], "data": [[1, 2], [3, 4]]},
    ]
    data = event_of(tmp_path, {"id": "x", "inputs": inputs})["data"]
    assert data["instances"] == [
        {"pressure": 1.5, "site": "Süd", "wide": [1, 2]},
        {"pressure": None, "site": "north", "wide": [3, 4]},
    ]
    assert data["predictions"] == [0.5, 0.25]


def test_several_outputs_are_told_by_name(tmp_path: Path) -> None:
    wide = {"name": "quantiles", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
    told = {"outputs": [tensor("prediction", [0.5]), wide]}
    data = event_of(tmp_path, {"instances": [{"a": 1}]}, told)["data"]
    assert data["predictions"] == [{"prediction": 0.5, "quantiles": [1, 2, 3]}]


def test_what_an_answer_does_not_tell_is_not_invented(tmp_path: Path) -> None:
    told = {"predictions": [1, {"a": 2}]}
    event = event_of(tmp_path, {"instances": [{"x": 1}, [2]]}, told, "sums")
    assert event["source"] == "http://localhost:9081/"
    assert event["data"] == {
        "model_name": "sums",
        "id": "a",
        "instances": [{"x": 1}, [2]],
        "predictions": [1, {"a": 2}],
    }


@pytest.mark.parametrize(
    "asked",
    [
        b"\x00binary\xff",
        b"",
        b'{"inputs": [{"name": "a", "shape": [1], "parameters": {"binary_data_size": 4}}]}\x00\x01',
        b'"\xff"',
        {"inputs": []},
        {"inputs": [{"name": "a", "shape": [3], "data": [1, 2]}]},
        {"inputs": [{"name": "a", "shape": [-1], "data": [1]}]},
        {"inputs": [{"name": "a", "shape": [2], "data": [[1], 2]}]},
        {"inputs": [tensor("a", [1, 2]), tensor("b", [1])]},
        {"instances": [1, 2, 3]},
        {"instances": "text"},
        [1],
        {},
        b"[" * 100_000,
    ],
)
def test_bodies_that_nobody_can_read_are_kept_as_they_came(tmp_path: Path, asked: Any) -> None:
    world, logged = Collecting(tmp_path), Logged("a", asked=asked, told=TOLD)
    world.take(logged.response, logged.request)
    request, response = world.kept()
    assert request["unreadable"] == response["unreadable"] == "true"
    assert response["data"] == TOLD
    body = logged.request[1]
    if "data" in request:
        assert request["data"] == json.loads(body)
    else:
        assert base64.b64decode(request["data_base64"]) == body
    assert world.count("events_unreadable_total") == 1
    assert world.count("events_joined_total") == 0


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda more: (
        st.lists(more, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["inputs", "outputs", "instances", "predictions", "name", "shape", "data"]
            ),
            more,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary() | ANYTHING, st.binary() | ANYTHING)
def test_whatever_comes_is_kept_on_a_line_of_json(asked: Any, told: Any) -> None:
    bodies = [
        body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
        for body in (asked, told)
    ]
    request, response = (
        Half("models", "pumps-v3", "a", kind, "s", "c", "e", "t", body)  # type: ignore[arg-type]
        for kind, body in zip(("request", "response"), bodies, strict=True)
    )
    for event in (joined(request, response), incomplete(request), incomplete(response)):
        lines = event.lines.splitlines()
        assert event.lines.endswith(b"\n")
        assert len(lines) == event.lines.count(b"\n")
        assert all(json.loads(line)["namespace"] == "models" for line in lines)
