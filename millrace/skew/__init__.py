"""Measure skew: whether what was served from the online store is what the offline store says."""

from __future__ import annotations

from millrace.skew.report import SkewReport

__all__ = ["SkewReport"]
