"""A module is fitted to a number, and answers in its unit with quantiles that never cross."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from samples import (
    NET,
    NUMBER,
    NUMBER_NET,
    as_columns,
    number_frame,
    write_dataset,
    write_workload,
)
from torch import nn

from millrace.dataset.manifest import LABEL, DatasetManifest
from millrace.errors import TrainingError
from millrace.training import Inputs, train
from millrace.training.loss import of_numbers
from millrace.training.module import check_module
from millrace.training.preprocessing import LabelScaling, Preprocessing
from millrace.training.scorer import Scorer, answers_of, load_scorer

MEAN_ONLY = "{column: paid, kind: regression}"


def fitted(folder: Path, model: str = NUMBER_NET, target: str = NUMBER, **training: object):
    workload = write_workload(folder / "w", model, target=target, **training)
    dataset = write_dataset(folder / "data", rows=(600, 150, 300), kind="regression")
    train(workload, dataset, folder / "model", checkpoint=folder / "kept")
    features = DatasetManifest.read(dataset / "manifest.json").features
    frame = number_frame(300, 2)
    answers = answers_of(load_scorer(workload, folder / "model"), as_columns(frame, features))
    return answers, frame[LABEL].to_numpy()


QUICK = {"epochs": 60, "patience": 20, "learning_rate": 0.01}


def test_a_fitted_module_predicts_in_the_unit_of_the_labels(tmp_path):
    answers, labels = fitted(tmp_path, **QUICK)
    assert answers.shape == (300, 3)
    assert answers.dtype == np.float32
    explained = 1 - np.mean((answers[:, 0] - labels) ** 2) / labels.var()
    assert explained > 0.8
    assert abs(np.mean(labels <= answers[:, 1]) - 0.1) < 0.1
    assert abs(np.mean(labels <= answers[:, 2]) - 0.9) < 0.1


def test_without_quantiles_a_module_answers_one_number_a_row(tmp_path):
    answers, labels = fitted(tmp_path, NET, MEAN_ONLY, **QUICK)
    assert answers.shape == (300, 1)
    assert np.mean((answers[:, 0] - labels) ** 2) < 0.2 * labels.var()


def test_the_same_numbers_train_the_same_model_twice(tmp_path):
    fitted(tmp_path / "a")
    fitted(tmp_path / "b")
    for name in ("state.pt", "preprocessing.json", "training.json"):
        ours, theirs = (tmp_path / run / "model" / name for run in ("a", "b"))
        assert ours.read_bytes() == theirs.read_bytes()


def test_labels_that_are_all_the_same_in_the_training_part_can_be_trained_on(tmp_path):
    frames = [number_frame(rows).assign(**{LABEL: np.float32(7)}) for rows in (60, 20, 20)]
    workload = write_workload(tmp_path / "w", NUMBER_NET, target=NUMBER)
    dataset = write_dataset(tmp_path / "data", frames=frames, kind="regression")
    train(workload, dataset, tmp_path / "model", checkpoint=tmp_path / "kept")
    scaling = Preprocessing.read(tmp_path / "model" / "preprocessing.json").label
    assert scaling == LabelScaling(mean=7, std=1, quantiles=[0.1, 0.9])


class Crossing(nn.Module):
    """Answers quantiles that are the wrong way round."""

    def forward(self, numbers, categories):
        return numbers[:, :1] + torch.tensor([0.0, 2.0, -1.0])


def test_quantiles_that_cross_are_sorted_and_the_mean_is_left_alone():
    scaling = LabelScaling(mean=100, std=10, quantiles=[0.1, 0.9])
    preprocessing = Preprocessing(numbers=[], categories=[], label=scaling)
    scorer = Scorer(preprocessing, Crossing(), 0.0)
    scorer.standardise = nn.Identity()
    prediction, quantiles = scorer(torch.tensor([[0.0], [1.0]]), torch.zeros(2, 0))
    assert prediction.tolist() == [[100.0], [110.0]]
    assert quantiles.tolist() == [[90.0, 120.0], [100.0, 130.0]]


@pytest.mark.parametrize("levels", [[], [0.3], [0.1, 0.5, 0.9]])
def test_the_loss_is_squared_error_and_the_mean_of_the_pinball_losses(levels):
    random = np.random.default_rng(1)
    answers, label = random.normal(size=(9, 1 + len(levels))), random.normal(size=9)
    weight = random.random(9)
    expected = 0.0
    for row in range(9):
        parts = [
            max(q * (label[row] - guess), (q - 1) * (label[row] - guess))
            for q, guess in zip(levels, answers[row, 1:], strict=True)
        ]
        pinball = sum(parts) / len(parts) if parts else 0.0
        expected += weight[row] * ((answers[row, 0] - label[row]) ** 2 + pinball)
    tensors = [torch.tensor(part, dtype=torch.float32) for part in (answers, label, weight)]
    if not levels:
        tensors[0] = tensors[0].squeeze(1)
    assert float(of_numbers(levels)(*tensors)) == pytest.approx(expected, rel=1e-5)


class Answering(nn.Module):
    def __init__(self, columns: int) -> None:
        super().__init__()
        self.out = nn.Linear(2, max(columns, 1))
        self.columns = columns

    def forward(self, numbers, categories):
        return self.out(numbers) if self.columns else self.out(numbers).squeeze(1)


@pytest.mark.parametrize(
    ("columns", "outputs", "told"),
    [
        (
            0,
            3,
            "found float32 [3]; expected float32 [3, 3], the mean and 2 quantiles a row; end "
            "forward in a layer with inputs.outputs columns",
        ),
        (4, 3, "found float32 [3, 4]; expected float32 [3, 3], the mean and 2 quantiles a row"),
        (1, 1, "found float32 [3, 1]; expected float32 [3], one number a row; return numbers.s"),
        (1, 2, "expected float32 [3, 2], the mean and 1 quantile a row"),
    ],
)
def test_a_wrong_shape_for_a_number_is_told_with_what_to_return(tmp_path, columns, outputs, told):
    workload = write_workload(tmp_path, target=NUMBER)
    with pytest.raises(TrainingError) as raised:
        check_module(Answering(columns), workload, Inputs(2, (), outputs))
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
