"""A linear model."""

import torch
from torch import Tensor, nn

from millrace.training import Inputs


class RentalNet(nn.Module):
    """Logits of coming back late, or their number of minutes."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(n, 1) for n in inputs.cardinalities)
        self.linear = nn.Linear(inputs.numbers + len(inputs.cardinalities), inputs.outputs)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Return n answers of numbers [n, numbers] and category indices [n, categories]."""
        embedded = [table(categories[:, n]) for n, table in enumerate(self.embeddings)]
        answers: Tensor = self.linear(torch.cat([numbers, *embedded], dim=1))
        return answers.squeeze(1)
