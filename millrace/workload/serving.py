"""How a workload's model answers, as it is declared."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, FiniteFloat

from millrace.workload.base import Model, PositiveDuration


class Serving(Model):
    """What an answer may take, and what happens when the online store does not answer."""

    latency: PositiveDuration = timedelta(milliseconds=50)
    """The objective: an answer that takes longer counts as slow."""
    online: Literal["fail", "fallback"] = "fallback"
    """Without the online store: refuse the request, or answer from defaults, marked degraded."""
    defaults: dict[str, str | FiniteFloat] = Field({}, strict=False)
    """Values of features for `fallback`; a feature that is not named counts as missing."""
    lookup: PositiveDuration = timedelta(milliseconds=20)
    """Time after which the online store counts as down for this request."""
    replicas: int = Field(1, ge=1)
    """Pods of an arm; on a laptop, processes."""
