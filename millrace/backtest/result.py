"""What a backtest found: a turn for each as-of time, and how models did on what came after."""

from __future__ import annotations

import math
from typing import Literal

from millrace.dataset.manifest import Part
from millrace.documents import Document
from millrace.evaluation.result import Estimate
from millrace.gates.verdict import GateResult
from millrace.workload.target import Kind

Policy = Literal["never retrained", "retrained", "newest"]
"""Which model answers: the first that was released, the champion of the day, or the newest
candidate, whatever its gates said."""
POLICIES: tuple[Policy, ...] = ("never retrained", "retrained", "newest")


class Showing(Document):
    """How the model of one policy did on the events of one period."""

    policy: Policy
    trained: str
    """As-of time of its training, ISO 8601."""
    model: str
    """Digest of its model.onnx."""
    score: Estimate
    """The backtest's metric."""


class Period(Document):
    """The events between two turns, which no model had seen that answered them."""

    start: str
    """As-of time of the turn before; an event of that moment is in the period."""
    end: str
    """As-of time of this turn; an event of that moment is not."""
    rows: int
    """Events whose label was known at the end."""
    mean_label: float | None = None
    """Rate of positives, or mean of the numbers that were to be predicted; None without events."""
    showings: list[Showing]
    gain: Estimate | None = None
    """`retrained` against `never retrained`, event by event paired; positive is better."""
    problem: str = ""
    """Why nothing could be measured, if so."""


class Turn(Document):
    """One retraining as it would have gone."""

    as_of: str
    basis: str
    """Digest of all that the turn depends on beside the code, so that it is made only once."""
    snapshot: str = ""
    """Digest of the source as of the turn's time."""
    champion: str = ""
    """Digest of the bundle that it was compared with; empty if there was none."""
    snapshot_rows: int = 0
    outcome: Literal["released", "gate failed", "rejected", "failed"]
    reason: str = ""
    """Why nothing was released."""
    rows: dict[Part, int] = {}
    """Of the training set; empty if none could be made."""
    score: Estimate | None = None
    """The candidate's metric on its own test window."""
    gates: list[GateResult] = []
    bundle: str = ""
    """Digest of the candidate's bundle."""
    model: str = ""
    """Digest of its model.onnx."""
    seconds: float = 0
    period: Period | None = None
    """The events since the last turn that had a training set; None if this one has none, or is the
    first that has."""


class Backtest(Document):
    """A loop that was replayed."""

    workload: str
    code_revision: str
    start: str
    end: str
    every: str
    kind: Kind
    """What is predicted."""
    metric: str
    higher_is_better: bool
    planned: int
    """Number of turns when it is whole."""
    turns: list[Turn]

    @property
    def periods(self) -> list[Period]:
        """Return the periods in which models could be measured."""
        return [t.period for t in self.turns if t.period is not None and t.period.showings]

    @property
    def released(self) -> int:
        """Return how many turns would have released a model."""
        return sum(turn.outcome == "released" for turn in self.turns)

    @property
    def replaced(self) -> bool:
        """Return whether the first model was replaced by another that was then measured."""
        models = [{s.policy: s.model for s in period.showings} for period in self.periods]
        return any(found["never retrained"] != found["retrained"] for found in models)

    @property
    def gain(self) -> Estimate | None:
        """Return what retraining was worth: the mean gain of all periods, None without any.

        Periods are different events, so the errors of their gains are independent: the mean's
        95 % interval is that of a normal distribution with the mean of their variances.
        """
        gains = [period.gain for period in self.periods if period.gain is not None]
        if not gains:
            return None
        mean = sum(gain.value for gain in gains) / len(gains)
        errors = [(gain.high - gain.low) / (2 * 1.96) for gain in gains]
        reach = 1.96 * math.sqrt(sum(error**2 for error in errors)) / len(gains)
        return Estimate(value=mean, low=mean - reach, high=mean + reach)

    def mean_of(self, policy: Policy) -> float | None:
        """Return the mean score of a policy over all periods; None where it has none."""
        scores = [s.score.value for p in self.periods for s in p.showings if s.policy == policy]
        return sum(scores) / len(scores) if scores else None
