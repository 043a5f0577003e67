"""Score candidate, champion and plain baselines on the same held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.evaluation.result import Evaluation

if TYPE_CHECKING:
    from millrace.evaluation.run import evaluate

__all__ = ["Evaluation", "evaluate"]


def __getattr__(name: str) -> Any:
    """Return `evaluate` on first use: it imports pandas and onnxruntime, the documents do not."""
    if name == "evaluate":
        from millrace.evaluation.run import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
