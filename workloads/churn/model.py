"""Logistic regression with curves instead of straight lines, and a small network beside it."""

from itertools import accumulate

import torch
from torch import Tensor, nn

from millrace.training import Inputs

LOW, HIGH = -1.5, 3.0
"""Where a number's curve bends, in standard deviations; beyond, it is a straight line."""


class ChurnNet(nn.Module):
    """Logits of leaving.

    The additive part gives each value of a category an effect, and each number a curve: a slope,
    and a hat function at each knot. The network sees all inputs at once, and so what they mean
    only together.
    """

    starts: Tensor
    knots: Tensor

    def __init__(
        self, inputs: Inputs, *, knots: int = 16, width: int = 16, dropout: float = 0.5
    ) -> None:
        super().__init__()
        *starts, self.values = accumulate(inputs.cardinalities, initial=0)
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int64))
        self.register_buffer("knots", torch.linspace(LOW, HIGH, knots))
        self.spacing = (HIGH - LOW) / (knots - 1)
        plain = inputs.numbers + self.values
        self.additive = nn.Linear(plain + inputs.numbers * knots, 1)
        self.network = nn.Sequential(
            nn.Linear(plain, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 1)
        )
        nn.init.zeros_(self.additive.weight)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Return n logits of numbers [n, numbers] and categories [n, categories]."""
        one_hot = numbers.new_zeros(len(numbers), self.values)
        one_hot = one_hot.scatter(1, categories + self.starts, 1.0)
        plain = torch.cat([numbers, one_hot], dim=1)
        hats = torch.relu(1 - (numbers.unsqueeze(2) - self.knots).abs() / self.spacing)
        logits: Tensor = self.additive(torch.cat([plain, hats.flatten(1)], dim=1))
        return (logits + self.network(plain)).squeeze(1)
