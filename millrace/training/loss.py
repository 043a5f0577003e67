"""What training makes small: for classes the logistic loss, for numbers squared and pinball."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From a module's answers, n labels and n weights to the weighted loss, summed over rows."""


def logistic(answers: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Return the logistic loss of n logits, for labels 0 or 1."""
    return functional.binary_cross_entropy_with_logits(
        answers, label, weight=weight, reduction="sum"
    )


def of_numbers(quantiles: Sequence[float]) -> Loss:
    """Return the loss of a module that answers a mean, and these quantiles of it.

    It is the squared error, which the mean makes least, and the pinball loss averaged over the
    quantiles, which those make least (Koenker and Bassett 1978, Econometrica 46:33).
    """
    levels = torch.tensor(list(quantiles), dtype=torch.float32)

    def loss(answers: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        table = answers.reshape(len(label), -1)
        by_row = (table[:, 0] - label) ** 2
        if len(levels):
            above = label.unsqueeze(1) - table[:, 1:]
            asked = levels.to(above.device)
            by_row = by_row + torch.maximum(asked * above, (asked - 1) * above).mean(dim=1)
        return (weight * by_row).sum()

    return loss
