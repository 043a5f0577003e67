"""Tell a run's story as one self-contained HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millrace.report.next_steps import advice
    from millrace.report.page import render

__all__ = ["advice", "render"]

_HOMES = {"advice": "millrace.report.next_steps", "render": "millrace.report.page"}


def __getattr__(name: str) -> Any:
    """Load what is exported when it is first asked for: importing the folder costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
