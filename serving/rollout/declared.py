"""The objective of each arm, as the newest commit of the deploy repository declares it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from millrace.deploy.base import Repository
from millrace.errors import DeployError, MetricsError, ReleaseError
from millrace.release.reading import read_desired
from serving.local.desired import objective_of
from serving.metrics.objectives import Objective, Objectives

_FRESH = 1.0
"""Seconds for which a commit is taken for the newest: a look at far history asks many times."""


@dataclass(frozen=True)
class _Arm:
    """An arm, as its file in Git says."""

    name: str
    workload: str
    version: str
    latency: float


class DeclaredObjectives:
    """Objectives of the arms that Git names; those of a workload are held to its newest arm's."""

    def __init__(self, repository: Repository, clock: Callable[[], float]) -> None:
        self._repository = repository
        self._clock = clock
        self._objectives = Objectives()
        self._head, self._asked = "", 0.0

    def __call__(self, arms: Sequence[str]) -> dict[str, Objective]:
        """Return the objective of each of some arms.

        Raises:
            MetricsError: Git does not answer, or does not name one of them.
        """
        try:
            head = self._newest()
            workloads = sorted({arm.rpartition("-v")[0] for arm in arms})
            declared = [arm for one in workloads for arm in self._arms(head, one)]
        except (DeployError, ReleaseError, ValueError, OverflowError) as error:
            raise MetricsError(f"the objective is not known: {error}") from error
        known = self._objectives.of(declared)
        for arm in arms:
            if arm not in known:
                raise MetricsError(f"the objective is not known: Git does not name {arm} any more")
        return {arm: known[arm] for arm in arms}

    def _newest(self) -> str:
        now = self._clock()
        if not self._head or not 0 <= now - self._asked < _FRESH:
            self._head, self._asked = self._repository.head(), now
        return self._head

    def _arms(self, head: str, workload: str) -> Iterator[_Arm]:
        desired = read_desired(self._repository.files(head, workload), workload)
        for arm in desired.arms.values():
            yield _Arm(arm.name, workload, str(arm.version), objective_of(arm))
