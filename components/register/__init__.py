"""The component that registers the candidate."""

from components.register.component import register

__all__ = ["register"]
