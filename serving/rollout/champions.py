"""Move the registry's champion alias to what serves: tried until it is done, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from millrace.errors import MillraceError

_LOG = structlog.get_logger("rollout")
AGAIN = 60.0
"""Seconds after which a registry that does not answer is asked again."""


class Registry(Protocol):
    """The part of a model registry that promotes."""

    def promote(self, name: str, digest: str) -> None:
        """Make a bundle the champion of its workload; one that is it already stays so."""
        ...


class Champions:
    """Which bundles the registry is known to call champion."""

    def __init__(self, registry: Registry, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._clock = clock
        self._known: dict[str, str] = {}
        self._again: dict[str, float] = {}

    def of(self, workload: str) -> str:
        """Return the bundle that this process made champion; empty if it made none."""
        return self._known.get(workload, "")

    def promote(self, workload: str, digest: str) -> bool:
        """Make a bundle the champion, unless the registry refused to answer a moment ago.

        Returns:
            False: nothing changed that a decision depends on.
        """
        if self._clock() < self._again.get(workload, 0.0):
            return False
        try:
            self._registry.promote(workload, digest)
        except MillraceError as error:
            self._again[workload] = self._clock() + AGAIN
            _LOG.warning("champion_not_moved", workload=workload, digest=digest, problem=str(error))
            return False
        self._known[workload] = digest
        _LOG.info("champion_moved", workload=workload, digest=digest)
        return False
