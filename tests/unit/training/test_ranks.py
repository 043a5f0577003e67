"""Several processes train one model together."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import write_dataset, write_workload

from millrace.errors import TrainingError
from millrace.training import TrainingReport, train
from millrace.training.ranks import Ranks

ALONE = Ranks(0, 1, torch.device("cpu"))

SCRIPT = """
import sys
from pathlib import Path
from millrace.training import train
from millrace.workload import load_workload

folder = Path(sys.argv[1])
train(load_workload(folder / "w"), folder / "dataset", folder / "out", checkpoint=folder / "kept")
"""


@given(st.integers(1, 50), st.integers(1, 8))
def test_shares_hold_each_row_of_a_batch_once_and_are_equally_long(rows, size):
    batch = torch.randperm(100)[:rows]
    shares = [replace(ALONE, rank=rank, size=size).share(batch) for rank in range(size)]
    counted = torch.cat([share[counts == 1] for share, counts in shares])
    assert sorted(counted.tolist()) == sorted(batch.tolist())
    assert len({len(share) for share, _ in shares}) == 1


def test_one_process_sees_its_batch_as_it_is():
    share, counts = ALONE.share(torch.tensor([5, 2, 7]))
    assert share.tolist() == [5, 2, 7]
    assert counts.tolist() == [1, 1, 1]


def test_processes_that_nobody_started_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    dataset = write_dataset(tmp_path / "dataset")
    with pytest.raises(TrainingError, match=r"the 2 processes do not find each other.*torchrun"):
        train(write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "k")


@pytest.mark.slow
def test_two_processes_of_torchrun_train_the_model_that_one_trains(tmp_path):
    write_dataset(tmp_path / "dataset", rows=(201, 61, 10))
    workload = write_workload(
        tmp_path / "w", parameters="{dropout: 0.0}", class_weight="balanced", epochs=4
    )
    alone = train(workload, tmp_path / "dataset", tmp_path / "alone", checkpoint=tmp_path / "kept")
    (tmp_path / "script.py").write_text(SCRIPT)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*launcher, str(tmp_path / "script.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    report = TrainingReport.read(tmp_path / "out" / "training.json")
    assert report.world_size == 2
    assert done.stdout.count("epoch_done") == 4
    one, two = (torch.load(tmp_path / name / "state.pt") for name in ("alone", "out"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-4, atol=1e-5)
    for epoch, other in zip(alone.curve, report.curve, strict=True):
        assert other.validation_loss == pytest.approx(epoch.validation_loss, rel=1e-4)
    assert not (tmp_path / "kept").exists()
