"""Training repeats itself, stops early, keeps the best state and writes what export needs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from samples import NET, as_columns, sample_frame, write_dataset, write_workload

from millrace.dataset.manifest import LABEL, DatasetManifest
from millrace.progress import heard
from millrace.training import TrainingReport, train
from millrace.training.loop import best_epoch, finished
from millrace.training.report import Epoch
from millrace.training.scorer import answers_of, load_scorer


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "dataset")


def curve(*losses: float) -> list[Epoch]:
    return [Epoch(epoch=i, train_loss=0, validation_loss=v) for i, v in enumerate(losses, 1)]


def score(workload, model, frame):
    features = DatasetManifest.read(model.parent / "dataset" / "manifest.json").features
    return answers_of(load_scorer(workload, model), as_columns(frame, features))[:, 0]


def test_two_trainings_in_two_folders_give_the_same_files(tmp_path, dataset):
    for name in ("a", "b"):
        workload = write_workload(tmp_path / name / "workload")
        train(workload, dataset, tmp_path / name / "out", checkpoint=tmp_path / name / "kept")
    for file in ("state.pt", "preprocessing.json", "training.json"):
        one, two = ((tmp_path / name / "out" / file).read_bytes() for name in ("a", "b"))
        assert one == two, file


def test_another_seed_gives_another_model(tmp_path, dataset):
    states = []
    for seed in (1, 2):
        workload = write_workload(tmp_path / f"w{seed}", seed=seed)
        train(workload, dataset, tmp_path / f"out{seed}", checkpoint=tmp_path / "kept")
        states.append((tmp_path / f"out{seed}" / "state.pt").read_bytes())
    assert states[0] != states[1]


@pytest.fixture
def three_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("three_threads")
def test_training_leaves_the_random_state_and_settings_of_torch_as_they_were(tmp_path, dataset):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train(write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == 3
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_model_learns_what_the_rows_say(tmp_path, dataset):
    workload = write_workload(tmp_path / "w", epochs=40, learning_rate=0.02)
    train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    frame = sample_frame(500, seed=9)
    answers = score(workload, tmp_path / "out", frame)
    left = frame[LABEL].to_numpy() == 1
    assert np.mean(answers[left][:, None] > answers[~left][None, :]) > 0.75


def test_every_epoch_is_told_and_reported(tmp_path, dataset, capsys):
    workload = write_workload(tmp_path / "w", epochs=3)
    report = train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    told = [event for line in capsys.readouterr().out.splitlines() if (event := heard(line))]
    assert [e["epoch"] for e in told if e["event"] == "epoch_done"] == [1, 2, 3]
    assert set(told[0]) == {"event", "epoch", "epochs", "train_loss", "validation_loss"}
    assert [e.epoch for e in report.curve] == [1, 2, 3]
    assert report == TrainingReport.read(tmp_path / "out" / "training.json")


def test_the_state_is_that_of_the_best_epoch(tmp_path, dataset):
    long = write_workload(tmp_path / "w", epochs=40, patience=40, learning_rate=0.1)
    report = train(long, dataset, tmp_path / "long", checkpoint=tmp_path / "kept")
    assert report.best_epoch < 40
    short = write_workload(tmp_path / "w", epochs=report.best_epoch, patience=40, learning_rate=0.1)
    train(short, dataset, tmp_path / "short", checkpoint=tmp_path / "kept")
    assert (tmp_path / "long/state.pt").read_bytes() == (tmp_path / "short/state.pt").read_bytes()


def test_training_stops_once_patience_is_over(tmp_path, dataset):
    workload = write_workload(tmp_path / "w", epochs=500, patience=3, learning_rate=0.1)
    report = train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert len(report.curve) == report.best_epoch + 3


def test_the_best_epoch_is_the_first_with_the_least_validation_loss():
    assert best_epoch(curve(0.5, 0.3, 0.4, 0.3)) == 2


@pytest.mark.parametrize(
    ("losses", "end"),
    [((), False), ((0.5, 0.4, 0.3), False), ((0.3, 0.4, 0.5), True), ((0.5, 0.4, 0.3, 0.2), True)],
)
def test_an_end_is_all_epochs_or_no_patience_left(losses, end):
    assert finished(curve(*losses), epochs=4, patience=2) is end


def test_the_state_loads_with_weights_only(tmp_path, dataset):
    train(write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    state = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    assert "hidden.weight" in state


def test_constants_of_preprocessing_come_from_the_training_rows_alone(tmp_path):
    train_rows = sample_frame(200)
    other = sample_frame(60, seed=1).assign(**{"plan.name": "only here", "age": np.float32(1e4)})
    dataset = write_dataset(tmp_path / "dataset", frames=[train_rows, other, other])
    train(write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    written = json.loads((tmp_path / "out" / "preprocessing.json").read_text())
    assert written["categories"][0]["values"] == ["basic", "plus"]
    assert written["numbers"][0]["mean"] == pytest.approx(train_rows["age"].mean(), rel=1e-5)


@pytest.mark.parametrize("class_weight", ["none", "balanced"])
def test_predictions_speak_of_the_true_base_rate_whatever_the_class_weights(tmp_path, class_weight):
    dataset = write_dataset(tmp_path / "dataset", rows=(2000, 500, 100), positive=0.1)
    workload = write_workload(
        tmp_path / "w", epochs=30, learning_rate=0.01, class_weight=class_weight
    )
    report = train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    answers = score(workload, tmp_path / "out", sample_frame(1000, seed=5, positive=0.1))
    assert answers.mean() == pytest.approx(0.1, abs=0.02)
    assert (report.logit_offset < -2) == (class_weight == "balanced")


@pytest.mark.parametrize(
    ("numbers", "categories"), [(("age", "total spent"), ()), ((), ("plan.name", "größe"))]
)
def test_one_kind_of_features_is_enough(tmp_path, numbers, categories):
    dataset = write_dataset(tmp_path / "dataset", numbers=numbers, categories=categories)
    train(write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert score(write_workload(tmp_path / "w"), tmp_path / "out", sample_frame(7)).shape == (7,)


def test_batch_norm_survives_a_row_count_that_leaves_one_row_over(tmp_path):
    model = NET.replace("nn.Dropout(dropout)", "nn.BatchNorm1d(width)")
    dataset = write_dataset(tmp_path / "dataset", rows=(65, 20, 20))
    workload = write_workload(tmp_path / "w", model, batch_size=32)
    report = train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert len(report.curve) == 3
