"""Curves of each number and embeddings of each category, in a straight line and in a network."""

import torch
from torch import Tensor, nn

from millrace.training import Inputs

LOW, HIGH = -2.0, 3.0
"""Where a number's curve bends, in standard deviations; beyond, it is a straight line."""


class FlightNet(nn.Module):
    """Logits of arriving late.

    A number is seen as it is and by how near it is to each of some knots, which lets a line through
    the knots be any curve. Delays of one month are not those of the next: what is seen is dropped
    at random while training, so that no single rate is trusted too much.
    """

    knots: Tensor

    def __init__(
        self,
        inputs: Inputs,
        *,
        knots: int = 16,
        embedding: int = 8,
        width: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.register_buffer("knots", torch.linspace(LOW, HIGH, knots))
        self.spacing = (HIGH - LOW) / (knots - 1)
        self.embeddings = nn.ModuleList(
            nn.Embedding(values, min(embedding, (values + 1) // 2))
            for values in inputs.cardinalities
        )
        for table in self.embeddings:
            nn.init.normal_(table.weight, std=0.1)
        embedded = sum(table.embedding_dim for table in self.embeddings)
        seen = inputs.numbers * (1 + knots) + embedded
        self.forget_category, self.forget = nn.Dropout(0.3), nn.Dropout(0.2)
        self.line = nn.Linear(seen, 1)
        self.network = nn.Sequential(
            nn.Linear(seen, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 1)
        )

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Return n logits of numbers [n, numbers] and categories [n, categories]."""
        near = torch.relu(1 - (numbers.unsqueeze(2) - self.knots).abs() / self.spacing)
        embedded = [table(categories[:, i]) for i, table in enumerate(self.embeddings)]
        known = self.forget_category(torch.cat(embedded, dim=1))
        seen = self.forget(torch.cat([numbers, near.flatten(1), known], dim=1))
        logits: Tensor = self.line(seen) + self.network(seen)
        return logits.squeeze(1)
