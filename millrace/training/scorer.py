"""A trained model from raw feature values to probabilities: what is exported, and its yardstick."""

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
    """Preprocessing of numbers, the workload's module, the logit offset and a sigmoid."""

    def __init__(
        self, preprocessing: Preprocessing, module: nn.Module, logit_offset: float
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.standardise = Standardise(preprocessing)
        self.module = module
        self.logit_offset = logit_offset

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Return probabilities of the positive class, float32 [n, 1].

        Args:
            numbers: raw numbers, float32 [n, numbers], NaN for missing.
            categories: indices, int64 [n, categories], 0 for unknown or missing.
        """
        logits: Tensor = self.module(self.standardise(numbers), categories)
        return torch.sigmoid(logits + self.logit_offset).unsqueeze(1)


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


def probabilities(scorer: Scorer, columns: Columns) -> npt.NDArray[np.float32]:
    """Return what torch answers for rows, in their order: float32 [n]."""
    numbers, categories = raw_tensors(columns, scorer.preprocessing)
    with torch.no_grad():
        parts = [
            scorer(numbers[rows], categories[rows]).squeeze(1)
            for rows in torch.split(torch.arange(len(columns)), BATCH)
        ]
    answers: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return answers
