"""What is to be predicted: which of two classes a record is of, or a number."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from millrace.workload.base import Model

Fraction = Annotated[float, Field(gt=0, lt=1, strict=False)]
Kind = Literal["binary", "regression"]

BINARY_METRICS = ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error", "lift_at_10")
NUMBER_METRICS = ("rmse", "mae")
QUANTILE_METRICS = ("pinball", "coverage_error")


class BinaryTarget(Model):
    """One of two classes: the probability of the positive one is predicted."""

    column: str
    """Column of the records that holds the label."""
    kind: Literal["binary"]
    """What the label is: one of two classes."""
    positive: str
    """The value of the positive class, as text; every other value is negative."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return what a model is measured by, the metric that tells most first."""
        return BINARY_METRICS

    @property
    def levels(self) -> list[float]:
        """Return the levels of the quantiles that are predicted: none."""
        return []

    @property
    def meaning(self) -> str:
        """Return what a prediction is, for people."""
        return f"the probability that {self.column} is {self.positive}"


def _ascending(quantiles: list[float]) -> list[float]:
    if any(low >= high for low, high in itertools.pairwise(quantiles)):
        raise ValueError("quantiles ascend, and each stands there once")
    return quantiles


class RegressionTarget(Model):
    """A number: its mean is predicted, and quantiles of it where they are declared."""

    column: str
    """Column of the records that holds the label: an integer or a number."""
    kind: Literal["regression"]
    """What the label is: a number."""
    quantiles: Annotated[list[Fraction], AfterValidator(_ascending)] = []
    """Quantiles that are predicted beside the mean, such as [0.1, 0.9]; ascending."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return what a model is measured by, the metric that tells most first."""
        return (*NUMBER_METRICS, *QUANTILE_METRICS) if self.quantiles else NUMBER_METRICS

    @property
    def levels(self) -> list[float]:
        """Return the levels of the quantiles that are predicted."""
        return self.quantiles

    @property
    def meaning(self) -> str:
        """Return what a prediction is, for people."""
        quantiles = ", ".join(f"{level:g}" for level in self.quantiles)
        return f"the number {self.column}" + (
            f" and its quantiles {quantiles}" if quantiles else ""
        )


Target = Annotated[BinaryTarget | RegressionTarget, Field(discriminator="kind")]
