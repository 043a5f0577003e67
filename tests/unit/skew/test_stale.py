"""How old what was served was when it was asked for, and whether something newer was known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feature_worlds import DAY, TIMED_DEFINITIONS, World, people, timed_world, visits
from rich.console import Console
from skew_worlds import Asked

from cli.commands.skew import skew
from millrace.features.online_state import online_folder, online_states
from millrace.skew.report import Staleness
from millrace.skew.timeline import MARGIN

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)


def shop(name: str, at: datetime, amount: float) -> dict[str, Any]:
    return {**visits(1)[0], "shop": name, "till": 0, "at": at, "known": at, "amount": amount}


RECORDS = [shop("a", NOW - 9 * HOUR, 1.0), shop("b", NOW - 9 * HOUR, 2.0)]
NEWER = [*RECORDS, shop("b", NOW - 3 * HOUR, 7.0)]


def asked_with(root: Path, records: Sequence[dict[str, Any]], as_of: datetime) -> Asked:
    asked = Asked(timed_world(root))
    asked.world.materialize(list(records), as_of)
    return asked


def began_a_minute_ago(world: World) -> None:
    """Move the only materialization into the past, so that a moment since is surely after it."""
    [state] = online_states(world.store, world.name)
    [name] = world.store.names(online_folder(world.name))
    ago = datetime.now(UTC) - timedelta(minutes=1)
    record = state.model_copy(update={"started": ago, "finished": ago})
    world.store.write_json(f"{online_folder(world.name)}/{name}", record.model_dump(mode="json"))


def stale(asked: Asked) -> Staleness:
    found = asked.measure().stale
    assert found is not None
    return found


def test_the_age_is_from_the_time_until_which_the_store_stood_to_the_question(
    tmp_path: Path,
) -> None:
    asked = asked_with(tmp_path, RECORDS, NOW - 5 * HOUR)
    for hours in (1, 2, 6):
        asked.ask({"shop": ["a"], "till": [0]}, at=NOW + hours * HOUR)
    found = stale(asked)
    assert (found.median_seconds, found.greatest_seconds) == (7 * 3600, 11 * 3600)


def test_until_something_newer_is_materialized_nobody_knows_whether_it_mattered(
    tmp_path: Path,
) -> None:
    asked = asked_with(tmp_path, RECORDS, NOW - 5 * HOUR)
    asked.ask({"shop": ["a", "b"], "till": [0, 0]}, at=NOW + HOUR)
    found = stale(asked)
    assert (found.other, found.unknown) == (0, 2)


def test_rows_that_would_have_been_served_other_values_are_counted(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, RECORDS, NOW - 5 * HOUR)
    asked.ask({"shop": ["a", "b"], "till": [0, 0]})
    asked.world.materialize(NEWER, NOW + 2 * HOUR)
    asked.ask({"shop": ["b"], "till": [0]}, at=NOW + 3 * HOUR)
    report = asked.measure()
    assert (report.compared, report.differ) == (3, 0)
    assert report.stale is not None
    assert (report.stale.other, report.stale.unknown) == (1, 1)


def test_what_came_after_the_question_was_nothing_to_serve(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, RECORDS, NOW - 5 * HOUR)
    asked.ask({"shop": ["a"], "till": [0]})
    asked.world.materialize([*RECORDS, shop("a", NOW + 2 * HOUR, 9.0)], NOW + 4 * HOUR)
    found = stale(asked)
    assert (found.other, found.unknown) == (0, 0)


def test_what_was_wrong_and_not_old_is_not_stale(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, RECORDS, NOW - 5 * HOUR)
    columns: dict[str, Any] = {name: np.float32([0]) for name in ("till_most", "visits")}
    asked.ask({"shop": ["a"], "till": [0]}, columns)
    told = asked.file.read_text()
    asked.file.write_text(told.replace('"amount":1.0', '"amount":5.0'))
    assert asked.file.read_text() != told
    asked.world.materialize(NEWER, NOW + 2 * HOUR)
    report = asked.measure()
    assert report.differ == 1
    assert report.stale is not None
    assert (report.stale.other, report.stale.unknown) == (0, 0)


@pytest.mark.parametrize("over", [timedelta(minutes=30), timedelta(seconds=2)])
def test_a_value_that_has_only_become_too_old_is_none_that_a_newer_store_had(
    tmp_path: Path, over: timedelta
) -> None:
    source = 'source=FileSource(path="shop_amount.parquet"'
    world = timed_world(tmp_path)
    text = TIMED_DEFINITIONS.replace(source, f"ttl=timedelta(hours=4), {source}")
    world.write("definitions.py", f"from datetime import timedelta\n{text}")
    moment = datetime.now(UTC) - timedelta(seconds=30)
    records = [shop("a", moment - 4 * HOUR - over, 1.0)]
    world.materialize(records, NOW - 2 * HOUR)
    began_a_minute_ago(world)
    asked = Asked(world)
    answer = asked.ask({"shop": ["a"], "till": [0]}, at=moment)
    assert np.isnan(answer["amount"]).all()
    world.materialize(records, NOW + HOUR)
    found = asked.measure(MARGIN).stale
    assert found is not None
    assert (found.other, found.unknown) == (0, 0)


def test_what_was_online_ahead_of_the_question_is_not_old(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, RECORDS, NOW + DAY)
    asked.ask({"shop": ["a"], "till": [0]}, at=NOW + HOUR)
    found = stale(asked)
    assert (found.greatest_seconds, found.other, found.unknown) == (0, 0, 0)


def test_nothing_compared_is_nothing_known(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.ask({"id": ["p1"]})
    asked.world.materialize(people(60))
    assert asked.measure().stale is None


def test_it_is_said_and_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=30)
    asked = asked_with(tmp_path, RECORDS, moment - 5 * HOUR)
    began_a_minute_ago(asked.world)
    asked.ask({"shop": ["a", "b"], "till": [0, 0]}, at=moment)
    asked.world.materialize(NEWER, NOW + 2 * HOUR)
    asked.ask({"shop": ["b"], "till": [0]}, at=NOW + 70 * HOUR)
    monkeypatch.setenv("MILLRACE_HOME", str(asked.world.settings.home))
    file = io.StringIO()
    monkeypatch.setattr("cli.commands.skew.console", Console(file=file, width=200))
    skew(str(asked.world.folder), asked.file, as_json=False)
    told = file.getvalue().replace("\N{NO-BREAK SPACE}", " ")
    assert "what was online was 5 h 0 min old in the median, 2 days 20 h at most." in told
    assert "1 of 3 rows would have been served other values; of 1 that is not known yet." in told
    assert "No value differs from the offline store; 3 of 3 rows compared." in told
