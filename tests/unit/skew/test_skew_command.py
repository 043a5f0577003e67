"""`millrace skew` says what was compared, and fails if anything differs."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from feature_worlds import World, people
from rich.console import Console
from skew_worlds import Asked

from cli.commands.skew import skew
from millrace.errors import MillraceError
from millrace.features.online_state import online_folder, online_states


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Return a workload that was materialized a minute ago, in the home of the settings."""
    world = World(tmp_path)
    monkeypatch.setenv("MILLRACE_HOME", str(world.settings.home))
    world.materialize(people(60))
    [state] = online_states(world.store, "people")
    assert state.finished is not None
    ago = {"started": state.started, "finished": state.finished}
    earlier = {name: time - timedelta(minutes=1) for name, time in ago.items()}
    [name] = world.store.names(online_folder("people"))
    record = state.model_copy(update=earlier).model_dump(mode="json")
    world.store.write_json(f"{online_folder('people')}/{name}", record)
    return Asked(world)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what is printed for people."""
    file = io.StringIO()
    monkeypatch.setattr("cli.commands.skew.console", Console(file=file, width=200))
    return file


def plant(asked: Asked) -> None:
    file = asked.world.settings.feast_folder("people") / "online.db"
    with closing(sqlite3.connect(file)) as store:
        store.execute('DELETE FROM "people_person_profile"')
        store.commit()


def test_what_does_not_differ_is_said_with_how_much_was_compared(
    asked: Asked, said: io.StringIO
) -> None:
    asked.ask({"id": ["p1", "p2"]})
    asked.world.settings.events_folder.mkdir(parents=True)
    shutil.copy(asked.file, asked.world.settings.events_folder / "people.jsonl.1")
    asked.ask({"id": ["p3"]})
    shutil.copy(asked.file, asked.world.settings.events_folder / "people.jsonl")
    skew(str(asked.world.folder), None, as_json=False)
    told = said.getvalue()
    assert "No value differs from the offline store; 5 of 5 rows compared." in told
    assert "person_money" in told


def test_what_differs_is_shown_with_examples_and_fails(asked: Asked, said: io.StringIO) -> None:
    plant(asked)
    asked.ask({"id": ["p1", "p3"]})
    with pytest.raises(SystemExit) as ended:
        skew(str(asked.world.folder), asked.file, as_json=False)
    assert ended.value.code == 1
    told = said.getvalue()
    assert "4 values differ from the offline store; 2 of 2 rows compared." in told
    assert "id=p1" in told
    assert "missing" in told


def test_scripts_get_all_of_it_as_json(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    plant(asked)
    asked.ask({"id": ["p1", "p3"]})
    capsys.readouterr()
    with pytest.raises(SystemExit):
        skew(str(asked.world.folder), asked.file, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["differ"], told["compared"]) == (4, 2)
    assert told["features"][0]["examples"][0]["keys"] == {"id": "p1"}


def test_what_cannot_be_compared_is_said_with_the_reason(asked: Asked, said: io.StringIO) -> None:
    asked.world.materialize(people(60))
    asked.ask({"id": ["p1"]})
    skew(str(asked.world.folder), asked.world.root, as_json=False)
    told = said.getvalue()
    assert "1 row not compared: a materialization was running, or had broken off" in told
    assert "Nothing is known of people: 0 of 1 row compared." in told


@pytest.mark.parametrize(
    ("named", "events", "told"),
    [
        ("nobody", None, r"nobody/workload\.yaml: there is no such file"),
        ("", None, r"platform/events: there are no events; expected files such as people\.jsonl"),
        ("", "gone.jsonl", r"gone\.jsonl: the events cannot be read"),
        ("", "workload/workload.yaml", r"workload\.yaml:1: is no event of a prediction"),
        ("", "home", "there are no events"),
    ],
)
def test_what_cannot_be_read_is_told(
    asked: Asked, named: str, events: str | None, told: str
) -> None:
    place = asked.world.root / events if events else None
    with pytest.raises(MillraceError, match=told) as caught:
        skew(named or str(asked.world.folder), place, as_json=False)
    assert "\n" not in str(caught.value)
