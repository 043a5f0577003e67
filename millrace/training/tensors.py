"""From columns to the tensors that a module gets: the same code in training and in the export."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from millrace.training.columns import Columns
from millrace.training.preprocessing import Preprocessing

CLIP = 10.0
"""Standard deviations beyond which a number counts as no further away.

By Chebyshev's inequality at most 1 in 100 values of any distribution lies there. Without it one
absurd value (1e38 in a field that was never checked) would overflow float32 into NaN.
"""


class Standardise(nn.Module):
    """Raw numbers to what the module gets: standardised, clipped, imputed, with indicators."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        numbers = preprocessing.numbers
        indicated = [i for i, scaling in enumerate(numbers) if scaling.indicator]
        self.mean: Tensor
        self.std: Tensor
        self.indicated: Tensor
        self.register_buffer("mean", torch.tensor([n.mean for n in numbers], dtype=torch.float32))
        self.register_buffer("std", torch.tensor([n.std for n in numbers], dtype=torch.float32))
        self.register_buffer("indicated", torch.tensor(indicated, dtype=torch.int64))

    def forward(self, numbers: Tensor) -> Tensor:
        """Return float32 [n, numbers + indicators] of float32 [n, numbers] with NaN for missing."""
        missing = torch.isnan(numbers)
        scaled = ((numbers - self.mean) / self.std).clamp(-CLIP, CLIP)
        filled = torch.where(missing, 0.0, scaled)
        if self.indicated.shape[0] == 0:
            return filled
        return torch.cat([filled, missing.to(filled.dtype).index_select(1, self.indicated)], dim=1)


def raw_tensors(columns: Columns, preprocessing: Preprocessing) -> tuple[Tensor, Tensor]:
    """Return the raw numbers as float32 [n, numbers] and the categories as int64 [n, categories].

    A category's index is 1 for the first of its vocabulary, and 0 if it is unknown or missing.
    """
    indices = [
        _indices(column, vocabulary.values)
        for column, vocabulary in zip(columns.categories, preprocessing.categories, strict=True)
    ]
    stacked = np.column_stack(indices) if indices else np.empty((len(columns), 0), np.int64)
    return torch.from_numpy(columns.numbers.copy()), torch.from_numpy(stacked)


def _indices(
    column: pa.ChunkedArray, values: list[str]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    found = pc.index_in(column, value_set=pa.array(values, pa.string()))
    indices: np.ndarray[tuple[int], np.dtype[np.int64]] = (
        pc.fill_null(found, -1).to_numpy().astype(np.int64) + 1
    )
    return indices
