"""Kinds of prediction: what a model of each kind is measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.binary import METRICS, BinarySample, is_probability

Floats = NDArray[np.float64]


class Sample(Protocol):
    """One model's scores of labelled rows, prepared for its kind's metrics."""

    def weighted(self, weights: Floats) -> Any:
        """Return what the metrics take: the sample under B weightings of shape [B, n]."""
        ...


@dataclass(frozen=True)
class Task:
    """A kind of prediction.

    Attributes:
        sample: prepares labels and scores, both of shape [n].
        metrics: functions from a weighted sample to a value for each weighting, shape [B].
        possible: which scores a model of this kind may give; bool of shape [n].
        scores: what its scores are, for messages.
    """

    sample: Callable[[Floats, Floats], Sample]
    metrics: Mapping[str, Callable[[Any], Floats]]
    possible: Callable[[Floats], NDArray[np.bool_]]
    scores: str


TASKS = {"binary": Task(BinarySample, METRICS, is_probability, "a probability from 0 to 1")}
"""By `target.kind` of the workload."""
