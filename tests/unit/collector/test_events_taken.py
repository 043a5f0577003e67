"""What is an event is taken in any mode of CloudEvents; what is none is refused by itself."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from collector_worlds import Collecting, events_in, read

from serving.events.checks import Refused
from serving.events.halves import Half
from serving.events.intake import Whole, read_events
from tests.integration.logger_events import Logged

BATCH = "application/cloudevents-batch+json; charset=UTF-8"
ONE = "application/cloudevents+json"


def predicted(**more: Any) -> dict[str, Any]:
    """Return an event of our predictor."""
    return {
        "specversion": "1.0",
        "type": "org.kubeflow.serving.inference.request",
        "source": "/models/pumps/versions/3",
        "inferenceservicename": "pumps-v3",
        "namespace": "models",
        "id": '1"%ü',
        "time": "2026-01-02T03:04:05.678Z",
        "extension": "kept",
        "data": {
            "model_name": "pumps",
            "model_version": "3",
            "parameters": {"bundle_digest": "d" * 64},
            "id": "1",
            "origins": {"pressure": ["store"]},
            "keys": {"pump": ["p1"]},
            "instances": [{"pressure": 1.5, "site": None}],
            "predictions": [0.5],
        },
        **more,
    }


def sent(events: Any, kind: str = BATCH, indent: int | None = None) -> tuple[dict[str, str], bytes]:
    body = events if isinstance(events, bytes) else json.dumps(events, indent=indent).encode()
    return {"content-type": kind}, body


def refused(headers: dict[str, str], body: bytes) -> tuple[str, str]:
    try:
        [found] = read_events({name.lower(): text for name, text in headers.items()}, body)
    except Refused as error:
        found = error
    assert isinstance(found, Refused)
    assert "\n" not in str(found)
    return found.reason, str(found)


def test_events_of_our_predictor_are_kept_unchanged(tmp_path: Path) -> None:
    world = Collecting(tmp_path)
    world.take(sent([predicted(id=str(number)) for number in range(3)], indent=2))
    world.take(sent(predicted(id="alone"), ONE, indent=2))
    assert world.kept() == [predicted(id=name) for name in ("0", "1", "2", "alone")]
    assert world.count('events_received_total{sender="predictor"}') == 4
    assert world.count("events_written_bytes_total") == sum(
        file.stat().st_size for file in tmp_path.rglob("*.jsonl")
    )
    assert world.count("events_newest_age_seconds") >= 0


def test_halves_come_in_json_too(tmp_path: Path) -> None:
    world, logged = Collecting(tmp_path), Logged("a")
    for headers, body in (logged.request, logged.response):
        told = {name[3:].lower(): text for name, text in headers.items() if name[:3] == "Ce-"}
        data = {"data_base64": base64.b64encode(body).decode()}
        world.take(sent({**told, **(data if "request" in told["type"] else {"data": None})}, ONE))
        world.take((headers, body))
    world.pass_by(100)
    kept = world.kept()
    assert [event["id"] for event in kept] == ["a", "a"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"id": ""}, "attributes"),
        ({"id": "x" * 2000}, "attributes"),
        ({"id": 1}, "json"),
        ({"specversion": "0.3"}, "attributes"),
        ({"type": "org.example.other"}, "attributes"),
        ({"time": "yesterday"}, "attributes"),
        ({"time": "2026-01-02T03:04:05"}, "attributes"),
        ({"namespace": "../x"}, "names"),
        ({"namespace": ""}, "names"),
        ({"namespace": "."}, "names"),
        ({"inferenceservicename": "../../etc/passwd"}, "names"),
        ({"inferenceservicename": "a/b"}, "names"),
        ({"inferenceservicename": "a\n"}, "names"),
        ({"inferenceservicename": "x" * 64}, "names"),
        ({"data": {}}, "data"),
        ({"data": None}, "data"),
        ({"data": {**predicted()["data"], "instances": [[1]]}}, "data"),
    ],
)
def test_an_event_that_is_none_is_refused_and_its_neighbours_are_taken(
    more: dict[str, Any], reason: str
) -> None:
    headers, body = sent([predicted(), predicted(**more), predicted()])
    before, bad, after = read_events(headers, body)
    assert isinstance(before, Whole)
    assert isinstance(after, Whole)
    assert isinstance(bad, Refused)
    assert bad.reason == reason
    assert refused(*sent(predicted(**more), ONE))[0] == reason


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"no json", b"[" * 100_000, b"[1]x"])
@pytest.mark.parametrize("kind", [BATCH, ONE])
def test_a_body_that_is_no_json_is_refused(content: bytes, kind: str) -> None:
    assert refused(*sent(content, kind))[0] == "json"


def test_other_encodings_of_events_are_refused() -> None:
    assert refused(*sent(b"<event/>", "application/cloudevents+xml"))[0] == "media"


@pytest.mark.parametrize("name", ["Ce-Id", "Ce-Time", "Ce-Type", "Ce-Specversion", "Ce-Namespace"])
def test_a_half_without_an_attribute_that_is_needed_is_refused(name: str) -> None:
    headers, body = Logged("a").request
    assert refused({key: text for key, text in headers.items() if key != name}, body)
    [taken] = read((headers, body))
    assert isinstance(taken, Half)


def test_the_file_is_the_workloads_and_the_newest_are_kept(tmp_path: Path) -> None:
    world = Collecting(tmp_path, longest=3000)
    for version in range(20):
        world.take(sent([predicted(inferenceservicename=f"pumps-v{version}", id=str(version))]))
    world.take(sent([predicted(inferenceservicename="a-v1-v2x")]))
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.jsonl*"))
    assert files == ["models/a-v1-v2x.jsonl", "models/pumps.jsonl", "models/pumps.jsonl.1"]
    newest = events_in(tmp_path / file for file in reversed(files[1:]))
    assert [event["id"] for event in newest] == [str(n) for n in range(20)][-len(newest) :]
    assert 4 < len(newest) < 20


def test_a_line_that_a_killed_process_left_half_written_spoils_no_other(tmp_path: Path) -> None:
    Collecting(tmp_path).take(sent([predicted()]))
    file = tmp_path / "models" / "pumps.jsonl"
    with file.open("ab") as end:
        end.write(b'{"torn": "' + b"x" * 100_000)
    world = Collecting(tmp_path)
    world.take(sent([predicted()]))
    assert world.kept() == [predicted()] * 2
