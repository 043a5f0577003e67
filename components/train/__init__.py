"""The component that fits the torch module."""

from components.train.component import train

__all__ = ["train"]
