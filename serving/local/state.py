"""What the running local platform tells others: `state.json`, rewritten whenever it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from millrace.documents import Document
from millrace.errors import MillraceError
from millrace.settings import Settings

ArmPhase = Literal["starting", "ready", "failed", "draining"]
"""`starting`: not all replicas are ready yet. `ready`: all are, with the expected digest.
`failed`: it cannot be started, or what started is not what Git says; tried again with back-off.
`draining`: Git no longer names it; it goes when its last request is answered."""


class ReplicaState(Document):
    """One predictor process of an arm."""

    index: int
    pid: int | None = None
    """Process, if one runs."""
    started: float = 0.0
    """Unix time at which the process started, seconds."""
    http_port: int = 0
    grpc_port: int = 0
    metrics_port: int = 0
    ready: bool = False
    """It answers as ready, and its metadata shows the expected digest."""
    restarts: int = 0
    """How often it was started again after it had ended by itself."""
    problem: str = ""
    """Why it is not ready, in one line."""


class ArmState(Document):
    """One InferenceService, as it runs."""

    name: str
    workload: str
    version: str
    digest: str
    """Digest of the bundle that it serves."""
    latency: float
    """Objective of an answer, seconds."""
    phase: ArmPhase
    reason: str = ""
    """Why it is in this phase, for people."""
    replicas: list[ReplicaState] = []

    @property
    def ready(self) -> bool:
        """Return whether a canary's weight may move to this arm."""
        return self.phase == "ready"


class RouteState(Document):
    """How the requests of one workload are split right now."""

    workload: str
    hosts: list[str]
    weights: dict[str, int]
    """Weight of each arm as the gateway applies it; none if no arm answers."""
    declared: dict[str, int]
    """Weight of each arm as Git says."""
    waits_for: str = ""
    """What keeps the declared weights from being applied, or does not answer for its weight; empty
    if all is as Git says."""


class ProcessState(Document):
    """A process of the platform itself."""

    name: str
    pid: int | None = None
    started: float = 0.0
    restarts: int = 0
    problem: str = ""


class PlatformState(Document):
    """All that runs."""

    pid: int
    """Process of `millrace up`."""
    started: float
    """Unix time at which it started, seconds."""
    gateway_port: int
    commit: str = ""
    """Newest commit of the deploy repository that was read; empty before the first."""
    applied: str = ""
    """Newest commit all of whose routes are split as they say, by arms that answer."""
    arms: list[ArmState] = []
    routes: list[RouteState] = []
    processes: list[ProcessState] = []
    """Gateway and rollout controller."""
    faults: list[str] = []
    """What is wrong in the deploy repository, one line each; what served before goes on."""
    scrape_failures: int = 0
    """Reads of counters that failed since the start."""

    def arm(self, name: str) -> ArmState | None:
        """Return an arm by its name, if it runs or is meant to."""
        return next((arm for arm in self.arms if arm.name == name), None)

    def route(self, workload: str) -> RouteState | None:
        """Return a workload's route, if it has one."""
        return next((route for route in self.routes if route.workload == workload), None)


def state_file(settings: Settings) -> Path:
    """Return the file of the platform's state."""
    return settings.platform_folder / "state.json"


def read_state(settings: Settings) -> PlatformState | None:
    """Return the state of the platform that runs in this home; None if none runs.

    Raises:
        MillraceError: the file is there but cannot be understood.
    """
    from serving.local.instance import running

    if running(settings) is None:
        return None
    file = state_file(settings)
    if not file.exists():
        return None
    try:
        return PlatformState.read(file)
    except MillraceError as error:
        if not file.exists():  # it went down in this moment
            return None
        raise MillraceError(
            error.problem,
            where=error.where,
            remedy="end the platform and start it again: `millrace down`, `millrace up`",
        ) from error
