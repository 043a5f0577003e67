"""What `millrace status` knows, as values; `--json` prints them."""

from __future__ import annotations

from typing import Literal

from millrace.analysis import Judgement
from millrace.documents import Document


class Traffic(Document):
    """What an arm did within the last seconds."""

    requests_per_second: float
    errors: float | None
    """Share of requests that failed; None without requests."""
    slow: float | None
    """Share of answers slower than the objective; None without requests."""
    p50: float | None = None
    """Seconds, rounded up to a bound of the histogram; None if it is not known."""
    p99: float | None = None
    """Seconds, rounded up to a bound of the histogram; None if it is not known."""


class ArmFacts(Document):
    """One arm."""

    name: str
    role: Literal["stable", "canary", "leaving", "unknown"]
    """What it is by Git; `leaving` if Git no longer names it, `unknown` if Git cannot be read."""
    digest: str
    weight: int | None
    """Percent of all requests as the gateway splits them; None if no gateway runs."""
    declared: int
    """Percent of all requests as Git says, or said when it could last be read."""
    phase: str
    """As the platform says; `not running` if none runs."""
    ready: int
    """Replicas that are ready."""
    replicas: int
    restarts: int
    reason: str
    objective: float
    """Seconds after which an answer counts as slow."""
    traffic: Traffic | None


class PullRequestFacts(Document):
    """One open pull request."""

    number: int
    title: str
    draft: bool
    url: str


class WorkloadFacts(Document):
    """One workload."""

    name: str
    address: str
    """Where it answers; empty if no gateway runs."""
    problem: str = ""
    """Why its folder in the deploy repository cannot be read; empty if it can."""
    arms: list[ArmFacts] = []
    waits_for: str = ""
    """What keeps the declared weights from being applied."""
    phase: str = ""
    step: int = -1
    steps: list[str] = []
    since: float = 0.0
    """Unix time at which this step or phase came to stand in Git, seconds."""
    verdict: str = ""
    reason: str = ""
    judgement: Judgement | None = None
    pull_requests: list[PullRequestFacts] = []


class Facts(Document):
    """All of it."""

    running: bool
    pid: int | None = None
    started: float = 0.0
    """Unix time in seconds."""
    gateway: str = ""
    """Address of the gateway."""
    repository: str
    """Its address, without credentials."""
    commit: str
    """Newest commit of the deploy repository."""
    applied: str = ""
    """Newest commit that the gateway follows."""
    problems: list[str] = []
    """What is wrong with the platform or the repository, one line each."""
    workloads: list[WorkloadFacts] = []
    now: float
