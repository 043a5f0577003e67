"""Fit the workload's torch module to a training set, so that a second run gives the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.training.inputs import Inputs
from millrace.training.report import TrainingReport

if TYPE_CHECKING:
    from millrace.training.fit import train

__all__ = ["Inputs", "TrainingReport", "train"]


def __getattr__(name: str) -> Any:
    """Import `train`, and torch with it, only when somebody asks for it."""
    if name == "train":
        from millrace.training.fit import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
