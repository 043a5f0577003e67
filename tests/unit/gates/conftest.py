"""Evaluations as a gate meets them, with only the numbers that a test is about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from millrace.evaluation.result import (
    HIGHER_IS_BETTER,
    Comparison,
    Curve,
    Estimate,
    Evaluation,
    ModelResult,
    SliceGroup,
    SliceResult,
)

NOTHING = Curve(x=[], y=[])


def estimate(value: float, reach: float = 0.02) -> Estimate:
    return Estimate(value=value, low=value - reach, high=value + reach)


def model(name: str, value: float) -> ModelResult:
    role = name if name in ("candidate", "champion") else "baseline"
    return ModelResult(
        name=name,
        role=role,
        metrics={metric: estimate(value) for metric in HIGHER_IS_BETTER},
        roc=NOTHING,
        precision_recall=NOTHING,
        calibration=NOTHING,
    )


def region(gap: Estimate, groups: int = 2) -> SliceResult:
    """Return a slice whose groups, north, south and so on, lie between 0.7 and 0.7 + gap."""
    names = ["north", "south", "", "west"][:groups]
    values = [0.7 + gap.value * share for share in (1.0, 0.0, 0.5, 0.7)]
    return SliceResult(
        slice="region",
        groups=[
            SliceGroup(
                group=name,
                rows=100,
                positives=50,
                metrics={metric: estimate(value) for metric in HIGHER_IS_BETTER},
            )
            for name, value in zip(names, values, strict=False)
        ],
        gaps=dict.fromkeys(HIGHER_IS_BETTER, gap) if groups > 1 else {},
        left_out=["tiny"],
    )


def evaluation(
    candidate: float = 0.85,
    others: dict[str, float] | None = None,
    differences: dict[str, Estimate] | None = None,
    **fields: object,
) -> Evaluation:
    """Return an evaluation in which every metric of a model has one value."""
    others = {"logistic_regression": 0.84, "gradient_boosting": 0.83} if others is None else others
    differences = differences or {}
    values = {
        "rows": 1000,
        "positives": 300,
        "models": [model("candidate", candidate), *(model(n, v) for n, v in others.items())],
        "comparisons": [
            Comparison(
                other=name,
                metric=metric,
                difference=differences.get(name, estimate(candidate - value, 0.005)),
            )
            for name, value in others.items()
            for metric in HIGHER_IS_BETTER
        ],
        "slices": [],
        "parity": 1e-7,
        "parity_row": 17,
        "latency": {"p50": 1e-5, "p99": 2e-5},
        "model_size": 40_000,
    }
    return Evaluation.model_validate(values | fields)


@pytest.fixture(scope="session")
def evaluated() -> Callable[..., Evaluation]:
    return evaluation


@pytest.fixture(scope="session")
def sliced() -> Callable[..., SliceResult]:
    return region
