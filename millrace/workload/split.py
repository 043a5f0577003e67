"""How records are divided into train, validation and test."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from millrace.workload.base import Model, PositiveDuration
from millrace.workload.target import Fraction


class HashSplit(Model):
    """Split by a hash of the entity key: an entity stays in its part for ever."""

    by: Literal["hash"]
    test: Fraction = 0.2
    """Share of entities that are only ever tested on."""
    validation: Fraction = 0.1
    """Share of entities that early stopping looks at."""

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if self.test + self.validation >= 1:
            raise ValueError("test and validation leave nothing to train on")
        return self


class TimeSplit(Model):
    """Split by event time: the newest events are tested on, those before them validated on."""

    by: Literal["time"]
    test: PositiveDuration
    """Length of the test window, which ends at the as-of time."""
    validation: PositiveDuration
    """Length of the validation window before it."""
    roll: PositiveDuration | None = None
    """Length of the windows that the test window is told apart by; by default it is one."""


Split = Annotated[HashSplit | TimeSplit, Field(discriminator="by")]
