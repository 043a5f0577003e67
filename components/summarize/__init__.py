"""The component that tells how a run went, whatever happened."""

from components.summarize.component import summarize

__all__ = ["summarize"]
