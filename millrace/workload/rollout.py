"""The way of a canary, as it is declared, in Argo Rollouts' words."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from millrace.located.words import KEYED
from millrace.workload.base import Duration, Model

Permission = Literal["auto", "review"]
_SHORTEST = timedelta(seconds=1)
Share = Annotated[float, Field(gt=0, le=1, strict=False)]


class SetWeight(Model):
    """Give the canary a share of the traffic, and judge it there."""

    setWeight: int = Field(ge=1, le=99)  # noqa: N815
    """Percent of all requests."""


class PauseLength(Model):
    """How long a pause takes."""

    duration: Duration | None = None
    """Without it, until a person merges the pull request that goes on, whatever the policy."""


class Pause(Model):
    """Stay at the weight for a while, unless the canary is worse; go on if evidence lets it."""

    pause: PauseLength


def _kind(step: Any) -> str | None:
    keys = step if isinstance(step, dict) else getattr(step, "model_fields_set", ())
    return next((f"{key} step" for key in ("setWeight", "pause") if key in keys), None)


Step = Annotated[
    Annotated[SetWeight, Tag("setWeight step")] | Annotated[Pause, Tag("pause step")],
    Discriminator(
        _kind,
        custom_error_type=KEYED,
        custom_error_message="a {what} has one of the keys {keys}",
        custom_error_context={"what": "step", "keys": "pause, setWeight"},
    ),
]


class Tolerance(Model):
    """How much worse all traffic may become by the canary; shares of all requests."""

    errors: Share = 0.005
    """Excess of failed requests over all requests."""
    slow: Share = 0.01
    """Excess of answers slower than the objective over all requests."""
    scores: Share = 0.1
    """How much further the scores may shift than evaluation saw, as total variation distance."""


class Analysis(Model):
    """How a canary is judged."""

    alpha: Annotated[float, Field(gt=0, lt=0.5, strict=False)] = 0.05
    """Chance of rolling back a canary that is no worse, over the whole rollout."""
    tolerance: Tolerance = Tolerance()
    """How much worse is not yet worse."""
    interval: Duration = timedelta(minutes=1)
    """Arms are compared within intervals of this length, whose evidence is multiplied; 1s or more,
    and less than `maxDuration`."""
    minSamples: int = Field(500, ge=1)  # noqa: N815
    """Requests that the canary must have answered at a step before it may leave it."""
    inconclusiveLimit: int = Field(10, ge=1)  # noqa: N815
    """Intervals in a row without data after which the canary is rolled back, except at a pause."""
    maxDuration: Duration = timedelta(hours=24)  # noqa: N815
    """Longest time on trial, without that which people take to answer; then it is rolled back."""

    @model_validator(mode="after")
    def _intervals_fit(self) -> Self:
        if self.interval < _SHORTEST:
            raise ValueError("an interval is no shorter than 1s: counters are read once a second")
        if self.interval >= self.maxDuration:
            raise ValueError("maxDuration is to be longer than an interval, or none ever ends")
        return self


class Policy(Model):
    """Which pull requests of the controller are merged by itself, and which by a person."""

    advance: Permission = "auto"
    promote: Permission = "review"
    rollback: Permission = "auto"


class Rollout(Model):
    """How a candidate becomes the champion."""

    steps: list[Step] = Field(
        [SetWeight(setWeight=5), SetWeight(setWeight=25), SetWeight(setWeight=50)], min_length=1
    )
    """What the canary goes through."""
    analysis: Analysis = Analysis()
    """How it is judged."""
    policy: Policy = Policy()
    """What needs a person."""

    @model_validator(mode="after")
    def _weights_rise(self) -> Self:
        weights = [step.setWeight for step in self.steps if isinstance(step, SetWeight)]
        if not weights or not isinstance(self.steps[0], SetWeight):
            raise ValueError("the first step is a setWeight: there is nothing to pause before")
        if weights != sorted(set(weights)):
            told = ", ".join(map(str, weights))
            raise ValueError(f"weights rise from step to step, and these do not: {told}")
        return self
