"""Write a model as one ONNX graph from named feature values to predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.export.manifest import OUTPUT, ExportManifest

if TYPE_CHECKING:
    from millrace.export.run import export

__all__ = ["OUTPUT", "ExportManifest", "export"]


def __getattr__(name: str) -> Any:
    """Import `export`, and torch with it, only when somebody asks for it."""
    if name == "export":
        from millrace.export.run import export

        return export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
