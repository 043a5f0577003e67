"""Whether an arm may be given weight: every process of it answers, with the expected bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from millrace.errors import MillraceError
from millrace.settings import Settings
from serving.local.state import PlatformState, read_state


class Readiness(Protocol):
    """What is known of the arms that run."""

    def ready(self, arm: str, digest: str) -> bool:
        """Return whether all of an arm is ready with this bundle; what is unknown is not ready."""
        ...


class LaptopReadiness:
    """The arms of the local platform, as its `state.json` tells."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[Settings], PlatformState | None] = read_state,
    ) -> None:
        self._settings = settings
        self._read = read

    def ready(self, arm: str, digest: str) -> bool:
        """Return whether all of an arm is ready with this bundle; what is unknown is not ready."""
        try:
            state = self._read(self._settings)
        except MillraceError:
            return False
        found = state.arm(arm) if state else None
        return found is not None and found.ready and found.digest == digest
