"""A killed training goes on where it was, and ends in the same bits as one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from samples import NET, write_dataset, write_workload

from millrace.errors import StoreError
from millrace.progress import heard
from millrace.training import train
from millrace.training.checkpoint import Checkpoint, Progress, training_tag
from millrace.training.report import Epoch
from millrace.workload.code import code_revision

LETHAL = NET.replace(
    "        embedded =",
    """\
        import os, signal
        if self.training and os.environ.get("DIE_AT"):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == int(os.environ["DIE_AT"]):
                os.kill(os.getpid(), signal.SIGKILL)
        embedded =""",
)
"""A module that has its process killed at the forward pass that DIE_AT counts."""

SCRIPT = """
import sys
from pathlib import Path
from millrace.training import train
from millrace.workload import load_workload

folder = Path(sys.argv[1])
train(load_workload(folder / "w"), folder / "dataset", folder / "out", checkpoint=folder / "kept")
"""


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "dataset")


def attempt(folder: Path, die_at: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env=os.environ | {"DIE_AT": die_at},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def events(output: str) -> list[dict[str, object]]:
    return [event for line in output.splitlines() if (event := heard(line))]


@pytest.mark.slow
def test_a_training_killed_twice_ends_in_the_same_bits(tmp_path, dataset):
    workload = write_workload(tmp_path / "w", LETHAL, epochs=8, patience=8)
    train(workload, dataset, tmp_path / "whole", checkpoint=tmp_path / "other")
    # 200 rows in batches of 32 are 7 passes an epoch: the 17th is in the middle of the third.
    for resumed_from in (2, 4):
        killed = attempt(tmp_path, die_at="17")
        assert killed.returncode == -signal.SIGKILL
        assert not (tmp_path / "out").exists()
        assert Checkpoint(tmp_path / "kept", "").file.exists()
        assert events(killed.stdout)[-1]["epoch"] == resumed_from
    done = attempt(tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"event": "training_resumed", "epoch": 4} in events(done.stdout)
    for file in ("state.pt", "preprocessing.json"):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert not (tmp_path / "kept").exists()


def test_a_training_that_died_before_it_wrote_has_nothing_left_to_train(tmp_path, dataset, capsys):
    workload = write_workload(tmp_path / "w")
    train(workload, dataset, tmp_path / "whole", checkpoint=tmp_path / "other")
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(Exception, match="cannot be written"):
        train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    (tmp_path / "out").unlink()
    capsys.readouterr()
    report = train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert report.resumed_from == len(report.curve) == 3
    assert [e["event"] for e in events(capsys.readouterr().out)] == ["training_resumed"]
    assert (tmp_path / "out/state.pt").read_bytes() == (tmp_path / "whole/state.pt").read_bytes()


def test_a_success_removes_its_checkpoint_and_nothing_else(tmp_path, dataset):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    train(write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine.txt"]


def some_progress() -> Progress:
    weights = {"weight": torch.arange(6.0)}
    curve = [Epoch(epoch=1, train_loss=0.5, validation_loss=0.25)]
    return Progress(weights, {"state": {}, "param_groups": []}, weights, curve)


def test_what_was_saved_is_loaded(tmp_path):
    kept = Checkpoint(tmp_path / "kept", "tag")
    kept.save(some_progress())
    loaded = kept.load()
    assert loaded is not None
    assert torch.equal(loaded.module["weight"], torch.arange(6.0))
    assert loaded.curve == some_progress().curve


def test_no_checkpoint_is_no_progress(tmp_path):
    assert Checkpoint(tmp_path / "kept", "tag").load() is None


def test_a_checkpoint_of_something_else_is_ignored_aloud(tmp_path, capsys):
    kept = Checkpoint(tmp_path / "kept", "tag")
    kept.save(some_progress())
    assert replace(kept, tag="other").load() is None
    (event,) = events(capsys.readouterr().out)
    assert event["event"] == "checkpoint_ignored"
    assert event["reason"] == "it is of other data, parameters or code"


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_a_corrupt_checkpoint_is_ignored_with_a_warning(tmp_path, capsys, damage):
    kept = Checkpoint(tmp_path / "kept", "tag")
    kept.save(some_progress())
    content = bytearray(kept.file.read_bytes())
    middle = len(content) // 2
    content[middle] ^= 1
    damaged = {"flipped": content, "cut": content[:middle], "emptied": b""}[damage]
    kept.file.write_bytes(damaged)
    assert kept.load() is None
    (event,) = events(capsys.readouterr().out)
    assert (event["level"], event["reason"]) == ("warning", "it is corrupt")


def test_a_corrupt_checkpoint_does_not_stop_training(tmp_path, dataset):
    kept = Checkpoint(tmp_path / "kept", "tag")
    kept.save(some_progress())
    kept.file.write_bytes(b"rubbish")
    workload = write_workload(tmp_path / "w")
    assert (
        train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept").resumed_from == 0
    )


def test_the_tag_is_of_data_parameters_and_code_but_not_of_the_folder(tmp_path):
    workload = write_workload(tmp_path / "a")
    tag = training_tag(workload, "data", 1)
    assert training_tag(write_workload(tmp_path / "b"), "data", 1) == tag
    assert training_tag(workload, "other data", 1) != tag
    assert training_tag(workload, "data", 2) != tag
    assert training_tag(write_workload(tmp_path / "c", seed=8), "data", 1) != tag
    assert training_tag(write_workload(tmp_path / "d", NET + "\n# changed\n"), "data", 1) != tag


def test_the_tag_is_of_the_platforms_code_too(tmp_path):
    workload = write_workload(tmp_path / "a")
    tag = training_tag(workload, "data", 1)
    assert training_tag(workload, "data", 1, code_revision(workload)) == tag
    assert training_tag(workload, "data", 1, "of another platform") != tag


def test_a_checkpoint_of_another_revision_is_not_resumed(tmp_path, dataset):
    workload, kept = write_workload(tmp_path / "w"), tmp_path / "kept"
    for revision, resumed in (("one", 3), ("other", 0)):
        (tmp_path / "in the way").write_text("a file where a folder should be")
        with pytest.raises(StoreError):
            train(workload, dataset, tmp_path / "in the way", checkpoint=kept, code_revision="one")
        out = tmp_path / revision
        report = train(workload, dataset, out, checkpoint=kept, code_revision=revision)
        assert report.resumed_from == resumed
