"""What a workload's torch module is told about its inputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inputs:
    """Shapes of the two tensors that a module's `forward` gets.

    `forward(numbers, categories)` takes float32 [n, numbers] and int64 [n, len(cardinalities)]
    and returns n logits. The numbers are standardised, within ±10 standard deviations and never
    missing: a missing value is 0, and has a further column that says so.

    Attributes:
        numbers: columns of the numeric tensor: one a number, and one more for each number that
            was missing somewhere in the training rows.
        cardinalities: for each category the number of its indices; 0 is unknown or missing.
    """

    numbers: int
    cardinalities: tuple[int, ...]
