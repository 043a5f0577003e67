"""Hold a snapshot to its contract: accepted records go on, broken ones to quarantine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from millrace.validation.report import ColumnDrift, ColumnProfile, Finding, QualityReport

if TYPE_CHECKING:
    from millrace.validation.validation import validate

__all__ = ["ColumnDrift", "ColumnProfile", "Finding", "QualityReport", "validate"]


def __getattr__(name: str) -> object:
    """Import what needs pyarrow and pandera on first use, so that the documents stay cheap."""
    if name != "validate":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.validation").validate
