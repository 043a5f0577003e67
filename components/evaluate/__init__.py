"""The component that scores candidate, champion and baselines."""

from components.evaluate.component import evaluate

__all__ = ["evaluate"]
