"""What a measurement of skew found."""

from __future__ import annotations

from datetime import datetime

from millrace.documents import Document


class Example(Document):
    """One value that was served and is not what the offline store says."""

    keys: dict[str, str | int]
    time: datetime
    """When it was served."""
    request: str
    """The request's id."""
    served: str | float | None
    """None for missing."""
    offline: str | float | None
    """What held at the time until which the online store stood then; None for missing."""


class FeatureSkew(Document):
    """One feature of a view."""

    view: str
    name: str
    compared: int
    """Values."""
    differ: int
    """Those of them that differ."""
    rewritten: int
    """Those that differ, but the offline table has been changed since for the time they are of: it
    may be that not what was served was wrong, but what was known."""
    examples: list[Example]


class Staleness(Document):
    """How old what was online was when it was asked for, over the rows that were compared."""

    median_seconds: float
    """From the time until which the store stood to the event's, by a row's oldest view."""
    greatest_seconds: float
    other: int
    """Rows of which another value held at the event's time, as the offline store says now: they
    would have been served it, had the store been brought up to then."""
    unknown: int
    """Rows of which that is not known yet: nothing has been materialized as of then."""


class SkewReport(Document):
    """What was served, held to what the offline store says."""

    workload: str
    rows: int
    """Rows of all events."""
    compared: int
    """Rows all of whose looked up features were compared."""
    left_out: dict[str, int]
    """Rows that could not be compared, by the reason."""
    features: list[FeatureSkew]
    stale: Staleness | None
    """None if nothing was compared."""

    @property
    def differ(self) -> int:
        """Return how many values differ."""
        return sum(feature.differ for feature in self.features)
