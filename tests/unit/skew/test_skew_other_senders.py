"""Rows of a sender that does not know origins are counted, and those in folders are found."""

from __future__ import annotations

import json
from pathlib import Path

from cli.commands.skew import _files
from millrace.settings import load_settings
from millrace.skew.events import EVENT_TYPE, read_events
from millrace.skew.rows import NO_ORIGINS, readings_of, rows_of
from millrace.skew.timeline import Timeline


def test_rows_of_an_event_without_origins_are_left_out_and_told(tmp_path: Path) -> None:
    data = {"model_name": "pumps", "id": "1", "instances": [{"a": 1}, [2]], "predictions": [1, 2]}
    event = {"type": EVENT_TYPE, "time": "2026-01-02T03:04:05Z", "data": data}
    (tmp_path / "events.jsonl").write_text(json.dumps(event) + "\n")
    [found] = read_events([tmp_path / "events.jsonl"], "pumps")
    told = [readings_of(row, None, Timeline([], None)) for row in rows_of(found)]  # type: ignore[arg-type]
    assert told == [NO_ORIGINS, NO_ORIGINS]


def test_a_folder_of_namespaces_is_read_the_older_files_first(tmp_path: Path) -> None:
    for name in ("models/pumps.jsonl", "models/pumps.jsonl.1", "waiting.halves"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [file.name for file in _files(tmp_path, "pumps", load_settings())]
    assert found == ["pumps.jsonl.1", "pumps.jsonl"]
