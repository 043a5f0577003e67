"""Compute features, define them in Feast and bring them to the offline and online store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.features.lookup import LookupPlan
from millrace.features.state import FeatureState

if TYPE_CHECKING:
    from millrace.features.definitions import Definitions, load_definitions, lookup_plan
    from millrace.features.materialization import materialize
    from millrace.features.windows import trailing

__all__ = [
    "Definitions",
    "FeatureState",
    "LookupPlan",
    "load_definitions",
    "lookup_plan",
    "materialize",
    "trailing",
]


def __getattr__(name: str) -> Any:
    """Import pandas, and what uses it, only when somebody asks for it."""
    if name in ("Definitions", "load_definitions", "lookup_plan"):
        from millrace.features import definitions

        return getattr(definitions, name)
    if name == "materialize":
        from millrace.features.materialization import materialize

        return materialize
    if name == "trailing":
        from millrace.features.windows import trailing

        return trailing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
