"""What the controller makes of each workload, written for people and `millrace status`.

It is a cache of what the last look found; the controller itself never reads it.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from millrace.analysis import Judgement
from millrace.documents import Document
from millrace.errors import MillraceError
from millrace.release.documents import Phase
from millrace.settings import Settings

_LOG = structlog.get_logger("rollout")


class RolloutStatus(Document):
    """One workload's rollout, as the controller sees it."""

    workload: str
    phase: Phase | None
    """None where the release folder cannot be read."""
    step: int
    """Index of the present step; -1 before the first."""
    steps: int
    """How many there are."""
    since: float
    """Unix time at which this step or phase came to stand in Git, seconds."""
    started: float
    """Unix time at which the canary got its first weight, seconds; 0 before."""
    canary: str
    """Name of the arm on trial; empty if there is none."""
    weight: int = 0
    """Percent of all requests that Git gives it."""
    verdict: str
    """What the evidence says: a verdict of the analysis, or empty if nothing is judged."""
    reason: str
    """What the controller does or waits for, and why, in one line."""
    judgement: Judgement | None = None
    blank: int = 0
    """Intervals in a row without data of both arms."""
    written: float
    """Unix time of writing, seconds."""


def status_file(settings: Settings, workload: str) -> Path:
    """Return the file of a workload's status."""
    return settings.platform_folder / "rollout" / f"{workload}.json"


def read_status(settings: Settings, workload: str) -> RolloutStatus | None:
    """Return what the controller last wrote; None if it wrote nothing that can be read."""
    try:
        return RolloutStatus.read(status_file(settings, workload))
    except MillraceError:
        return None


class StatusFiles:
    """Writes statuses, each only when it says something new."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._written: dict[str, RolloutStatus] = {}

    def write(self, status: RolloutStatus) -> None:
        """Write a workload's status; a disk that does not take it stops no rollout."""
        told = status.model_copy(update={"written": 0.0})
        if self._written.get(status.workload) == told:
            return
        self._written[status.workload] = told
        try:
            status.write(status_file(self._settings, status.workload))
        except MillraceError as error:
            _LOG.warning("status_failed", workload=status.workload, reason=str(error))
