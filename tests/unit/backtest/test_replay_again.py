"""A turn is made once, and again only if what it stands on is no longer the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from backtest_worlds import CODE, PERIOD, World

from millrace.backtest import Schedule, Turn, replay
from millrace.backtest.ageing import Trained
from millrace.backtest.loop import Standing, kept
from millrace.ingest import Snapshot, SnapshotManifest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("replay")]


@pytest.fixture
def again(world: World, turns: list[Turn], tmp_path: Path) -> World:
    return world.copy(tmp_path / "again")


def without_clock(turns: list[Turn]) -> list[Turn]:
    return [turn.model_copy(update={"seconds": 0}) for turn in turns]


def made(world: World) -> int:
    """Return how many turns of the last replay were made and not only looked up."""
    return world.steps.count("validate")


def test_what_is_known_is_only_looked_up(again: World, turns: list[Turn]) -> None:
    assert again.replay(PERIOD) == turns
    assert set(again.steps) == {"ingest"}


def test_a_backtest_goes_on_for_longer_from_where_it_ended(again: World, turns: list[Turn]) -> None:
    longer = again.replay("2024-03-01..2024-04-15")
    assert longer[:-1] == turns
    assert made(again) == 1
    assert longer[-1].champion == turns[-1].bundle


def test_what_was_lost_or_damaged_is_made_again_the_same(again: World, turns: list[Turn]) -> None:
    (again.turn_folder(turns[6]) / "turn.json").write_text("{")
    (again.turn_folder(turns[8]) / "bundle" / "model.onnx").unlink()
    assert without_clock(again.replay(PERIOD)) == without_clock(turns)
    assert made(again) == 2


def test_a_source_that_changed_in_between_is_seen_from_the_turn_that_reads_it(
    again: World, turns: list[Turn]
) -> None:
    late = pd.Timestamp("2024-04-08", tz="UTC")
    again.change_records(lambda records: records[records["rented"] < late])
    changed = again.replay(PERIOD)
    assert changed[:-1] == turns[:-1]
    assert made(again) == 1
    assert changed[-1].snapshot != turns[-1].snapshot
    assert changed[-1].period is not None
    assert turns[-1].period is not None
    assert changed[-1].period.rows < turns[-1].period.rows


@pytest.mark.parametrize("interrupted_in", ["ingest", "train", "register"])
def test_an_interrupt_in_any_step_loses_at_most_that_turn(
    again: World, turns: list[Turn], interrupted_in: str
) -> None:
    schedule = Schedule.read(PERIOD, "5d")
    (again.turn_folder(turns[-1]) / "turn.json").unlink()

    class Stop(BaseException):
        pass

    steps: list[str] = []

    def stop(step: str) -> None:
        steps.append(step)
        if step == interrupted_in and steps.count("ingest") == len(turns):
            raise Stop

    with pytest.raises(Stop):
        list(replay(again.workload, schedule, again.home, code_revision=CODE, told=stop))
    assert kept(schedule, again.home) == len(turns) - 1
    assert [path.name for path in again.home.iterdir()] == ["turns"]


def test_another_model_of_any_policy_is_another_basis(tmp_path: Path) -> None:
    manifest = SnapshotManifest(
        workload="rentals", digest="d", rows=1, columns={}, source="", fingerprint=""
    )
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    snapshot = Snapshot(manifest=manifest, key="", as_of=moment, is_new=True)
    one, other = (Trained("2024-03-01", tmp_path, model) for model in "ab")
    bases = [
        Standing(first=one, champion=one, newest=one, champion_bundle="x", last=moment),
        Standing(first=other, champion=one, newest=one, champion_bundle="x", last=moment),
        Standing(first=one, champion=one, newest=other, champion_bundle="x", last=moment),
        Standing(first=one, champion=one, newest=one, champion_bundle="y", last=moment),
        Standing(first=one, champion=one, newest=one, champion_bundle="x"),
        Standing(first=one, champion=one, newest=one, champion_bundle="x", usual=[5], last=moment),
    ]
    assert len({standing.basis(snapshot) for standing in bases}) == len(bases)
