"""A linear model and a small network beside it, for a mean and quantiles."""

import torch
from torch import Tensor, nn

from millrace.training import Inputs


class DeliveryNet(nn.Module):
    """Minutes of a delivery."""

    def __init__(self, inputs: Inputs, *, width: int = 16, embedding: int = 3) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(
            nn.Embedding(values, embedding) for values in inputs.cardinalities
        )
        columns = inputs.numbers + embedding * len(inputs.cardinalities)
        self.linear = nn.Linear(columns, inputs.outputs)
        self.network = nn.Sequential(
            nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, inputs.outputs)
        )

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Return [n, outputs] of numbers [n, numbers] and category indices [n, categories]."""
        embedded = [table(categories[:, n]) for n, table in enumerate(self.embeddings)]
        columns = torch.cat([numbers, *embedded], dim=1)
        return self.linear(columns) + self.network(columns)
