"""Assemble point-in-time correct training sets, split so that no test row was ever trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.dataset.manifest import DatasetManifest, SplitRule

if TYPE_CHECKING:
    from millrace.dataset.assembly import assemble
    from millrace.dataset.split import assign_parts, trained_on

__all__ = ["DatasetManifest", "SplitRule", "assemble", "assign_parts", "trained_on"]


def __getattr__(name: str) -> Any:
    """Import pandas, and what uses it, only when somebody asks for it."""
    if name == "assemble":
        from millrace.dataset.assembly import assemble

        return assemble
    if name in ("assign_parts", "trained_on"):
        from millrace.dataset import split

        return getattr(split, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
