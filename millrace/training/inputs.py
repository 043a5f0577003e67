"""What a workload's torch module is told about its inputs, and how much it is to answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inputs:
    """Shapes of the two tensors that a module's `forward` gets, and of the one that it returns.

    `forward(numbers, categories)` takes float32 [n, numbers] and int64 [n, len(cardinalities)].
    The numbers are standardised, within ±10 standard deviations and never missing: a missing value
    is 0, and has a further column that says so.

    For a binary target it returns n logits. For a number it returns n numbers or, where quantiles
    are declared, [n, outputs]: the mean, then each quantile. It answers in standard deviations of
    the training labels from their mean; the platform brings that to their unit.

    Attributes:
        numbers: columns of the numeric tensor: one a number, and one more for each number that
            was missing somewhere in the training rows.
        cardinalities: for each category the number of its indices; 0 is unknown or missing.
        outputs: how many numbers are asked for a row.
    """

    numbers: int
    cardinalities: tuple[int, ...]
    outputs: int = 1
