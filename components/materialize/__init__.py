"""The component that brings features to the offline and online store."""

from components.materialize.component import materialize

__all__ = ["materialize"]
