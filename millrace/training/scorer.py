"""A trained model from raw feature values to predictions: what is exported, and its yardstick."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from millrace.errors import TrainingError
from millrace.training.columns import Columns
from millrace.training.faults import first_line, module_place
from millrace.training.module import build_module
from millrace.training.preprocessing import Preprocessing
from millrace.training.report import TrainingReport
from millrace.training.tensors import Standardise, raw_tensors
from millrace.workload import Workload

BATCH = 8192


class Scorer(nn.Module):
    """Preprocessing of numbers, the workload's module, and what makes its answers predictions.

    For classes that is the logit offset and a sigmoid, for numbers their unit.
    """

    def __init__(
        self, preprocessing: Preprocessing, module: nn.Module, logit_offset: float
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.standardise = Standardise(preprocessing)
        self.module = module
        self.logit_offset = logit_offset

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return predictions, float32 [n, 1], and quantiles [n, q] if there are any.

        A prediction is the probability of the positive class, or the mean of a number; quantiles
        ascend.

        Args:
            numbers: raw numbers, float32 [n, numbers], NaN for missing.
            categories: indices, int64 [n, categories], 0 for unknown or missing.
        """
        answers: Tensor = self.module(self.standardise(numbers), categories)
        label = self.preprocessing.label
        if label is None:
            return torch.sigmoid(answers + self.logit_offset).unsqueeze(1)
        if not label.quantiles:
            return (answers * label.std + label.mean).unsqueeze(1)
        in_unit = answers * label.std + label.mean
        # Quantiles that cross are none: sorted, they lose nothing (Chernozhukov, Fernandez-Val and
        # Galichon 2010, Econometrica 78:1093).
        return in_unit[:, :1], torch.sort(in_unit[:, 1:], dim=1).values


def load_scorer(workload: Workload, model: Path) -> Scorer:
    """Return a trained model in evaluation mode.

    Args:
        workload: whose module it is.
        model: the folder that training wrote.

    Raises:
        TrainingError: the weights do not fit the module, which was changed since.
        MillraceError: a document is missing.
    """
    report = TrainingReport.read(model / "training.json")
    preprocessing = Preprocessing.read(model / "preprocessing.json")
    module = build_module(workload, preprocessing.inputs(), dict(report.parameters))
    try:
        state = (model / "state.pt").read_bytes()
        module.load_state_dict(torch.load(io.BytesIO(state), weights_only=True))
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"the weights of {model / 'state.pt'} do not fit: {first_line(error)}",
            where=module_place(workload),
            remedy="train again: the module was changed since, or the file is not whole",
        ) from error
    return Scorer(preprocessing, module, report.logit_offset).eval()


def answers_of(scorer: Scorer, columns: Columns) -> npt.NDArray[np.float32]:
    """Return what torch answers for rows, in their order: float32 [n, 1 + q], quantiles last."""
    numbers, categories = raw_tensors(columns, scorer.preprocessing)
    with torch.no_grad():
        parts = [
            _table(scorer(numbers[rows], categories[rows]))
            for rows in torch.split(torch.arange(len(columns)), BATCH)
        ]
    answers: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return answers


def _table(answers: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    return answers if isinstance(answers, Tensor) else torch.cat(answers, dim=1)
