"""The component that assembles a training set."""

from components.assemble.component import assemble

__all__ = ["assemble"]
