"""Kinds of prediction: what a model of each kind is measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation import binary, number
from millrace.evaluation.curves import Curves, curves_of_classes, curves_of_numbers
from millrace.workload.target import Kind, Target

Floats = NDArray[np.float64]


class Sample(Protocol):
    """One model's answers for labelled rows, prepared for its kind's metrics."""

    def weighted(self, weights: Floats) -> Any:
        """Return what the metrics take: the sample under B weightings of shape [B, n]."""
        ...


@dataclass(frozen=True)
class Task:
    """A kind of prediction.

    Attributes:
        kind: as `target.kind` of the workload.
        sample: prepares labels of shape [n] and answers of shape [n, 1 + q].
        metrics: functions from a weighted sample to a value for each weighting, shape [B].
        possible: which answers a model of this kind may give; bool of shape [n].
        answer: what such an answer is, for messages.
        curves: what shows a sample to people.
        quantiles: levels of the q quantiles that are predicted beside the first number.
    """

    kind: Kind
    sample: Callable[[Floats, Floats], Sample]
    metrics: Mapping[str, Callable[[Any], Floats]]
    possible: Callable[[Floats], NDArray[np.bool_]]
    answer: str
    curves: Callable[[Any], Curves]
    quantiles: tuple[float, ...] = ()


def task_of(target: Target) -> Task:
    """Return what models for a target are measured by."""
    return BINARY if target.kind == "binary" else _numbers(tuple(target.levels))


def _classes(labels: Floats, answers: Floats) -> binary.BinarySample:
    return binary.BinarySample(labels, answers[:, 0])


BINARY = Task(
    kind="binary",
    sample=_classes,
    metrics=binary.METRICS,
    possible=binary.is_probability,
    answer="a probability from 0 to 1",
    curves=curves_of_classes,
)


def _numbers(levels: tuple[float, ...]) -> Task:
    return Task(
        kind="regression",
        sample=partial(number.NumberSample, levels=levels),
        metrics=number.METRICS | (number.QUANTILE_METRICS if levels else {}),
        possible=number.ascend,
        answer="a number with quantiles that ascend",
        curves=curves_of_numbers,
        quantiles=levels,
    )
