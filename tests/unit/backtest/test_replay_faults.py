"""What is wrong with one turn stops no other; what is wrong with the code stops at once."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest
from backtest_worlds import World

from millrace.backtest import turn as turns_module
from millrace.errors import SourceError, TrainingError

pytestmark = pytest.mark.slow

TWO = "2024-03-21..2024-03-26"


def diverging(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training diverge after so many times that it did not."""
    train, calls = turns_module.train, []

    def train_or_diverge(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) > after:
            raise TrainingError("the loss is no number", where="epoch 1", found="nan")
        return train(*given, **named)

    monkeypatch.setattr(turns_module, "train", train_or_diverge)


def test_training_that_fails_once_a_model_was_made_is_a_turn_without_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging(1, monkeypatch)
    first, second = World(tmp_path).replay(TWO)
    assert first.outcome == "released"
    assert (second.outcome, second.reason) == ("failed", "the loss is no number; found nan")
    assert second.period is not None
    assert [showing.trained for showing in second.period.showings] == [first.as_of] * 3


def test_training_that_never_worked_ends_the_backtest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging(0, monkeypatch)
    with pytest.raises(TrainingError, match="the loss is no number"):
        World(tmp_path).replay(TWO)


def test_a_batch_that_is_rejected_in_the_middle_leaves_no_event_unmeasured(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.edit(lambda text: text.replace("{rows: 0.5}", "{rows: 0.5}\n    freshness: 6h"))
    quiet = ("2024-03-25T12:00Z", "2024-03-26T06:00Z")
    world.change_records(lambda records: records[~records["rented"].between(*quiet)])
    before, during, after = world.replay("2024-03-21..2024-03-31")
    assert (before.outcome, during.outcome) == ("released", "rejected")
    assert during.period is None
    assert after.period is not None
    assert (after.period.start, after.period.end) == (before.as_of, after.as_of)
    assert after.period.rows > 150


def test_a_source_that_is_gone_ends_the_backtest_and_what_was_done_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    first, _ = world.replay(TWO)
    (world.root / "workload" / "data" / "rentals.csv").unlink()
    with pytest.raises(SourceError, match="the file is missing"):
        world.replay(TWO)
    assert (world.turn_folder(first) / "turn.json").exists()


def test_a_disk_that_is_full_leaves_no_half_of_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, copy = World(tmp_path), shutil.copytree
    with monkeypatch.context() as patch:

        def full(source: Path, target: Path, **named: Any) -> Any:
            if target.name != "bundle":
                return copy(source, target, **named)
            target.mkdir()
            raise OSError(errno.ENOSPC, "No space left on device", str(target))

        patch.setattr(shutil, "copytree", full)
        with pytest.raises(OSError, match="No space left"):
            world.replay(TWO)
    assert not list(world.home.glob("turns/*/turn.json"))
    assert {turn.outcome for turn in world.replay(TWO)} <= {"released", "gate failed"}
