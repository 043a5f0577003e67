"""The component that finds the champion."""

from components.champion.component import champion

__all__ = ["champion"]
