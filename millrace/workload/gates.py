"""The checks a candidate must pass, as they are declared: the key says which."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from millrace.located.words import KEYED
from millrace.workload.base import Duration, Model, Size

MetricName = Literal[
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "calibration_error",
    "lift_at_10",
    "rmse",
    "mae",
    "pinball",
    "coverage_error",
]
"""A metric of some kind of target; the specification holds it to those of its own."""
Margin = Annotated[float, Field(ge=0, strict=False)]


class FloorGate(Model):
    """The candidate's metric must be at least, or at most, a value."""

    metric: MetricName
    min: float | None = Field(None, strict=False)
    max: float | None = Field(None, strict=False)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.min is None) == (self.max is None):
            raise ValueError("give either min or max")
        return self


class ChampionGate(Model):
    """Not worse than the champion: the paired 95 % interval's lower bound is above -margin."""

    champion: MetricName
    margin: Margin = 0.01
    """In the metric's unit; for rmse, mae and pinball a share of the champion's value."""


class BaselineGate(Model):
    """Not worse than the better plain baseline, by the same rule as for the champion."""

    baseline: MetricName
    margin: Margin = 0.01
    """In the metric's unit; for rmse, mae and pinball a share of the baseline's value."""


class SliceGate(Model):
    """The metric's gap between the groups of a slice must not surely exceed a value."""

    slice: str
    metric: MetricName
    gap: Annotated[float, Field(gt=0, strict=False)]


class ParityGate(Model):
    """The ONNX graph must answer as torch does, on every held-out row."""

    parity: Annotated[float, Field(gt=0, strict=False)]
    """Greatest difference of a prediction; of a number beyond 1, relative to it."""


class LatencyGate(Model):
    """One row must be answered within a time, at the 99th percentile."""

    latency: Duration


class SizeGate(Model):
    """The ONNX graph must not be larger than a size."""

    size: Size


def metric_of(gate: Model) -> tuple[str, str] | None:
    """Return the key under which a gate names a metric, and the metric; None if it names none."""
    for key in ("metric", "champion", "baseline"):
        if isinstance(metric := getattr(gate, key, None), str):
            return key, metric
    return None


GATE_KEYS = ("slice", "champion", "baseline", "parity", "latency", "size", "metric")


def _kind(gate: Any) -> str | None:
    keys = gate if isinstance(gate, dict) else getattr(gate, "model_fields_set", ())
    return next((f"{key} gate" for key in GATE_KEYS if key in keys), None)


Gate = Annotated[
    Annotated[SliceGate, Tag("slice gate")]
    | Annotated[ChampionGate, Tag("champion gate")]
    | Annotated[BaselineGate, Tag("baseline gate")]
    | Annotated[ParityGate, Tag("parity gate")]
    | Annotated[LatencyGate, Tag("latency gate")]
    | Annotated[SizeGate, Tag("size gate")]
    | Annotated[FloorGate, Tag("metric gate")],
    Discriminator(
        _kind,
        custom_error_type=KEYED,
        custom_error_message="a {what} has one of the keys {keys}",
        custom_error_context={"what": "gate", "keys": ", ".join(sorted(GATE_KEYS))},
    ),
]
