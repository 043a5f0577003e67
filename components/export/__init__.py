"""The component that writes the ONNX graph."""

from components.export.component import export

__all__ = ["export"]
