"""The component that holds a snapshot to its contract."""

from components.validate.component import validate

__all__ = ["validate"]
