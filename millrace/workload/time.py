"""When events happen and when their outcomes become known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import model_validator

from millrace.workload.base import Duration, Model, PositiveDuration


class Time(Model):
    """When an event happened, when its outcome became known, and how far back a run looks."""

    event: str
    """Timestamp column: when the event happened."""
    label_known: str | None = None
    """Timestamp column: when the label became known; by default at the event."""
    outcome: list[str] = []
    """Columns that become known with the label, beside it; no run sees them earlier."""
    window: PositiveDuration | None = None
    """How far back from the as-of time a run learns from events; by default from all there are."""
    history: Duration = timedelta(0)
    """How far back a feature looks from its event; read beside the window.

    A feature of outcomes also looks back over the time that they took to become known.
    """

    @property
    def late(self) -> list[str]:
        """Return the columns, beside the label, that are not known when the event happens."""
        return [self.label_known, *self.outcome] if self.label_known else []

    def events_since(self, as_of: datetime) -> datetime | None:
        """Return since when a run learns from events; None for all there are."""
        return _back(as_of, self.window) if self.window else None

    def features_since(self, as_of: datetime) -> datetime | None:
        """Return since when a run computes features; None for all there are."""
        return _back(as_of, self.window + self.history) if self.window else None

    def records_since(self, as_of: datetime) -> datetime | None:
        """Return since when a run reads records; None for all there are."""
        return _back(as_of, self.window + 2 * self.history) if self.window else None

    @model_validator(mode="after")
    def _parts_need_each_other(self) -> Self:
        if self.outcome and self.label_known is None:
            raise ValueError("outcome needs label_known, which says when it becomes known")
        if self.history and self.window is None:
            raise ValueError("history needs a window: without one all events are read")
        return self


def _back(time: datetime, span: timedelta) -> datetime:
    """Return the time that lies so far back, or the first that there is."""
    first = datetime.min.replace(tzinfo=UTC)
    return first + max(time - first - span, timedelta(0))
