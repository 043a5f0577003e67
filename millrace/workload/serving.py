"""How a workload's model answers, as it is declared."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, FiniteFloat, model_validator

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
    """Pods of an arm, at least; on a laptop, processes."""
    maxReplicas: int | None = Field(None, ge=1)  # noqa: N815
    """Pods of an arm, at most: a cluster adds some when they are busy."""
    scaleTarget: int | None = Field(None, ge=1, le=100)  # noqa: N815
    """Use of the processors, in percent of what pods ask for, above which pods are added."""

    @model_validator(mode="after")
    def _there_is_room(self) -> Self:
        if self.maxReplicas is not None and self.maxReplicas < self.replicas:
            raise ValueError(f"maxReplicas is no less than replicas, {self.replicas}")
        if self.scaleTarget is not None and self.maxReplicas is None:
            raise ValueError("scaleTarget wants maxReplicas")
        return self
