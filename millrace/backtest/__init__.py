"""Replay the whole loop over history: what would have been released, and how it would have aged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.backtest.result import Backtest, Period, Showing, Turn
from millrace.backtest.schedule import Schedule

if TYPE_CHECKING:
    from millrace.backtest.loop import replay

__all__ = ["Backtest", "Period", "Schedule", "Showing", "Turn", "replay"]


def __getattr__(name: str) -> Any:
    """Import what trains models only when somebody asks for it."""
    if name == "replay":
        from millrace.backtest.loop import replay

        return replay
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
