"""That events cannot be kept is said once, until they can again."""

from __future__ import annotations

from pathlib import Path

from serving.predictor.logs import Log


class Trouble:
    """Tells the log; for one thread at a time."""

    def __init__(self, folder: Path, log: Log) -> None:
        """Take where events are kept, and where to say that they are not."""
        self._folder = folder
        self._log = log
        self._told = ""

    def tell(self, error: OSError) -> str:
        """Say why events are not kept, and return that."""
        reason = error.strerror or str(error)
        if self._told != reason:
            self._told = reason
            self._log.error("events_not_kept", reason=reason, folder=str(self._folder))
        return f"events are not kept: {reason}"

    def over(self) -> None:
        """Note that they are kept."""
        if self._told:
            self._told = ""
            self._log.info("events_kept_again", folder=str(self._folder))
