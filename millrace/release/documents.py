"""What a release folder says, as values: arms, weights, and where the rollout is."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving

Phase = Literal["stable", "waiting", "progressing", "promoted", "rolled back"]
"""Where a rollout is.

`stable`: one arm, nothing on trial. `waiting`: the canary arm stands in Git at weight 0 and is
not ready yet. `progressing`: it has the weight of a step. `promoted`: it has all the traffic and
the former stable arm is to go. `rolled back`: it has none and is to go.
"""


class ArmRef(Document):
    """One bundle as an arm."""

    version: int
    digest: str
    """Digest of the bundle."""
    name: str
    """Name of its InferenceService, such as `churn-v7`."""


class Canary(ArmRef):
    """The arm on trial."""

    purpose: Literal["release", "restore"] = "release"
    """`release`: a candidate, judged step by step. `restore`: a kept bundle that a person wants
    back: it gets all the traffic once it is ready."""
    attempt: int = 0
    """How often this bundle was restored, this time included; part of the branches' names."""
    score_distance: float | None = None
    """Total variation distance of its scores to the stable arm's, as evaluation saw it."""


class Position(Document):
    """Where a rollout is."""

    phase: Phase = "stable"
    step: int = -1
    """Index of the present step; -1 before the first."""
    since: float = 0.0
    """Unix time at which this step or phase was committed, seconds."""
    started: float = 0.0
    """Unix time at which the canary got its first weight."""
    reason: str = ""
    """Why it came here, for people."""


class Release(Document):
    """All that a workload's folder in the deploy repository says."""

    workload: str
    stable: ArmRef
    canary: Canary | None = None
    weights: dict[str, int]
    """Percent of all requests by arm name, as route.yaml says; they add up to 100."""
    serving: Serving
    rollout: Rollout
    position: Position = Position()
