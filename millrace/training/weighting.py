"""Class weights, and what undoes their effect on the predicted probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Weighting:
    """How much a row of each class weighs in the loss.

    Attributes:
        negative: weight of a row of the negative class.
        positive: weight of a row of the positive class.
    """

    negative: float = 1.0
    positive: float = 1.0

    @property
    def logit_offset(self) -> float:
        """Return what to add to a logit so that it speaks of the true base rate.

        Weights multiply the odds that the loss asks for by positive / negative, so the offset is
        -log(positive / negative). It is theorem 2 of Elkan, "The Foundations of Cost-Sensitive
        Learning" (IJCAI 2001), written in logits: logit p' = logit p + logit b' - logit b, where
        b is the base rate that training saw and b' the true one.
        """
        return -math.log(self.positive / self.negative)


def weighting(kind: Literal["none", "balanced"], rows: int, positives: int) -> Weighting:
    """Return the weights of the two classes.

    Args:
        kind: `none` for 1 each; `balanced` for rows / (2 x rows of the class), which gives both
            classes the same weight in sum and leaves the mean weight at 1.
        rows: training rows.
        positives: how many of them are positive; neither none nor all.
    """
    if kind == "none":
        return Weighting()
    return Weighting(negative=rows / (2 * (rows - positives)), positive=rows / (2 * positives))
