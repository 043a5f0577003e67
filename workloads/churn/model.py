"""A linear model of everything, plus a small network for what is not linear."""

from itertools import accumulate

import torch
from torch import Tensor, nn

from millrace.training import Inputs


class ChurnNet(nn.Module):
    """Logits of leaving.

    Each category's value has an effect of its own, which adds up with the numbers' as in logistic
    regression, and an embedding, which the network sees together with the numbers.
    """

    def __init__(
        self, inputs: Inputs, *, width: int = 32, embedding: int = 4, dropout: float = 0.2
    ) -> None:
        super().__init__()
        *starts, values = accumulate(inputs.cardinalities, initial=0)
        self.register_buffer("starts", torch.tensor(starts))  # of each category in one table
        self.linear = nn.Linear(inputs.numbers, 1)
        self.effects = nn.Embedding(values, 1)
        self.embeddings = nn.Embedding(values, embedding)
        self.network = nn.Sequential(
            nn.Linear(inputs.numbers + embedding * len(starts), width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, 1),
        )
        nn.init.zeros_(self.effects.weight)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Return n logits of numbers [n, numbers] and categories [n, categories]."""
        places = categories + self.starts
        linear = self.linear(numbers) + self.effects(places).sum(dim=1)
        together = torch.cat([numbers, self.embeddings(places).flatten(1)], dim=1)
        return (linear + self.network(together)).squeeze(1)
