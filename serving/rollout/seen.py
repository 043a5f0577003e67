"""All that a decision about one workload is made from, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from millrace.deploy.base import PullRequest
from millrace.release.documents import ArmRef, Release
from serving.rollout.evidence import Judged
from serving.rollout.history import History


@dataclass(frozen=True)
class Proposal:
    """An open pull request of the workload.

    Attributes:
        pull: as the forge tells it.
        current: whether all changes of the workload's folder on main are in it.
        made: Unix time at which it became what it is, seconds.
        files: the workload's folder as it would be.
        release: what that says; None if it cannot be read.
    """

    pull: PullRequest
    current: bool
    made: float
    files: Mapping[str, bytes] = field(default_factory=dict)
    release: Release | None = None

    @property
    def asked(self) -> float:
        """Unix time at which what it proposes was first asked for, seconds."""
        return self.release.position.since if self.release else self.made


@dataclass(frozen=True)
class Seen:
    """One workload at one moment.

    Attributes:
        files: its folder on main.
        release: what that says.
        history: the canary's way so far.
        proposals: its open pull requests, newest first.
        over: by branch, the newest pull request that is merged or closed, as far as it is known.
        stuck: heads of pull requests that did not apply to the main branch any more.
        refused: by head, what the forge said when it refused a merge that would have applied.
        theirs: heads of pull requests that could not be changed: a person pushed to the branch.
        ready: arms that are ready with the bundle that Git names.
        judged: what the evidence says of the canary.
        champion: bundle that the model registry is known to call champion; empty if unknown.
        now: Unix time, seconds.
    """

    files: Mapping[str, bytes]
    release: Release
    history: History
    proposals: Sequence[Proposal]
    over: Mapping[str, PullRequest]
    stuck: frozenset[str]
    refused: Mapping[str, str]
    theirs: frozenset[str]
    ready: frozenset[str]
    judged: Judged
    champion: str
    now: float

    def is_ready(self, arm: ArmRef) -> bool:
        """Return whether weight may move to an arm."""
        return arm.name in self.ready


def clock_text(time: float) -> str:
    """Return a Unix time for people, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
