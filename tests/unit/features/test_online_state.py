"""Each materialization leaves a record of what became visible online, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from feature_worlds import DAY, START, World, people, timed_world, visits

from millrace.errors import MillraceError
from millrace.features import materialization
from millrace.features.online_state import online_folder, online_states


def test_a_run_records_as_of_when_and_until_when_its_views_are_online(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    before = datetime.now(UTC)
    state = world.materialize(visits(5), START + 3 * DAY)
    world.materialize(visits(6), START + 4 * DAY)
    newest, oldest = online_states(world.store, "shops")
    assert (oldest.as_of, newest.as_of) == (START + 3 * DAY, START + 4 * DAY)
    assert oldest.features == state.digest
    assert oldest.online == "sqlite"
    assert [(v.name, v.until, v.digest) for v in oldest.views] == [
        (view.name, START + 3 * DAY, view.digest) for view in state.views
    ]
    assert oldest.finished is not None
    assert before <= oldest.started <= oldest.finished <= newest.started


def test_a_run_as_of_an_earlier_time_takes_nothing_back_from_online(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.materialize(visits(6), START + 4 * DAY)
    world.materialize(visits(6), START + 2 * DAY)
    newest, oldest = online_states(world.store, "shops")
    assert newest.as_of == START + 2 * DAY
    assert newest.views == oldest.views
    assert {view.until for view in newest.views} == {START + 4 * DAY}


def test_a_run_that_breaks_off_while_it_writes_online_is_known_to_have_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise OSError("the disk is full")

    world = World(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(materialization, "bring_online", fails)
        with pytest.raises(MillraceError, match="the disk is full"):
            world.materialize(people(20))
    [broken] = online_states(world.store, "people")
    assert broken.finished is None
    world.materialize(people(20), START + DAY)
    assert [state.finished is None for state in online_states(world.store, "people")] == [
        False,
        True,
    ]


def test_a_damaged_record_is_told_with_its_place(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store.write_bytes(f"{online_folder('people')}/1.json", b"{}")
    with pytest.raises(MillraceError, match=r"1\.json at as_of: is no OnlineState.*delete it"):
        next(online_states(world.store, "people"))
