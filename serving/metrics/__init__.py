"""What the gateway and the predictors counted, whoever keeps it."""

from serving.metrics.base import MetricsSource, Sample

__all__ = ["MetricsSource", "Sample"]
