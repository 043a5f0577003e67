"""The component that judges the candidate."""

from components.gate.component import gate

__all__ = ["gate"]
