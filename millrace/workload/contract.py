"""What an incoming batch must look like."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from millrace.workload.base import Duration, Model, PositiveDuration

Share = Annotated[float, Field(ge=0, le=1, strict=False)]


class Column(Model):
    """What the values of one column must be."""

    type: Literal["string", "integer", "number", "boolean", "category", "timestamp"]
    """Type that every value must have, or be readable as where the source holds text."""
    nullable: bool = False
    """Whether a value may be missing; blank text is missing."""
    unique: bool = False
    """Whether no two records may share a value."""
    min: float | None = Field(None, strict=False)
    """Least allowed number."""
    max: float | None = Field(None, strict=False)
    """Greatest allowed number."""
    allowed: list[str] | None = Field(None, alias="in", min_length=1)
    """The only allowed values of a string or category, as text."""
    pattern: str | None = None
    """Regular expression that the whole text must match."""
    timezone: str = "UTC"
    """Time zone of timestamps that name none."""

    @model_validator(mode="after")
    def _bounds_fit_the_type(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in (
            "integer",
            "number",
        ):
            raise ValueError(f"min and max are for integer and number, not for {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.allowed is not None and self.type not in ("string", "category"):
            raise ValueError(f"in is for string and category, not for {self.type}")
        return self


class Completeness(Model):
    """How much of the usual volume must be there."""

    rows: Share = 0.9
    """Least share of the median row count of the last snapshots."""
    gap: PositiveDuration | None = None
    """Greatest time without an event, between two or after the window's start; only with `time`."""


class Limits(Model):
    """How much may be wrong before the batch as a whole is rejected."""

    quarantined: Share = 0.02
    """Greatest share of records in quarantine; copies of others do not count."""


class Contract(Model):
    """What an incoming batch must look like: columns, volume, freshness, limits."""

    columns: Annotated[dict[str, Column], Field(min_length=1)]
    """The columns that must be there, by name."""
    extra: Literal["report", "reject"] = "report"
    """What happens when the source has a column that is not named here."""
    completeness: Completeness = Completeness()
    """How much of the usual volume must be there."""
    freshness: Duration | None = None
    """Greatest age of the newest event at the as-of time; only with `time`."""
    limits: Limits = Limits()
    """How much may be wrong before the batch as a whole is rejected."""
