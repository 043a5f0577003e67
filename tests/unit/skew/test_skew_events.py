"""Events are read as predictors send them; what is none is told with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from millrace.errors import MillraceError
from millrace.skew.events import EVENT_TYPE, read_events


def event(**data: Any) -> dict[str, Any]:
    told = {
        "model_name": "pumps",
        "model_version": "3",
        "parameters": {"bundle_digest": "d" * 64},
        "id": "1",
        "origins": {"pressure": ["store", "request"]},
        "keys": {"pump": ["p1", None]},
        "instances": [{"pressure": 1.5, "site": None}, {"pressure": None, "site": "north"}],
        "predictions": [0.5, 0.5],
        **data,
    }
    return {"type": EVENT_TYPE, "time": "2026-01-02T03:04:05.678Z", "traceid": "x", "data": told}


def kept(folder: Path, *lines: Any) -> Path:
    file = folder / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_events_come_one_a_line_or_in_batches_and_others_are_left_out(tmp_path: Path) -> None:
    answered = {**event(), "type": "org.kubeflow.serving.inference.response"}
    file = kept(tmp_path, event(), [event(id="2"), event(id="3")], answered, event(model_name="x"))
    again = tmp_path / "more.jsonl"
    again.write_text(json.dumps(event(id="4")))
    found = list(read_events([file, again], "pumps"))
    assert [one.data.id for one in found] == ["1", "2", "3", "4"]
    data = found[0].data
    assert [data.origin("pressure", row) for row in (0, 1)] == ["store", "request"]
    assert data.origin("site", 0) == "request"
    assert found[0].time.microsecond == 678_000


def test_a_last_line_that_is_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    file = kept(tmp_path, event())
    with file.open("a") as end:
        end.write('{"type": "org.kube')
    assert len(list(read_events([file], "pumps"))) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"type": ', "events.jsonl:2: is no event of a prediction: Expecting value"),
        ("\ufeff\x00", "events.jsonl:2: is no event of a prediction"),
        ('"text"', "events.jsonl:2: is no event of a prediction: Input should be a valid dict"),
        ("[1]", "is no event of a prediction"),
        ("{}", "events.jsonl:2 at time: is no event of a prediction: Field required"),
        (json.dumps({**event(), "time": "yesterday"}), "events.jsonl:2 at time"),
        (json.dumps({**event(), "time": "2026-01-02T03:04:05"}), "should have timezone info"),
        (json.dumps(event(instances=[{}])), "keys and origins are one a row"),
        (json.dumps(event(origins="elsewhere")), "events.jsonl:2 at data.origins"),
        (json.dumps(event(instances=[{"pressure": [1]}, {}])), "data.instances.0.pressure"),
        ("[" * 100_000, "is no event of a prediction"),
    ],
)
def test_a_line_that_is_no_event_is_told_with_its_number(
    tmp_path: Path, line: str, told: str
) -> None:
    file = kept(tmp_path, event())
    with file.open("a", encoding="utf-8") as end:
        end.write(line + "\n")
    with pytest.raises(MillraceError) as caught:
        list(read_events([file], "pumps"))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MillraceError, match=r"gone\.jsonl: the events cannot be read.*--events"):
        list(read_events([tmp_path / "gone.jsonl"], "pumps"))
