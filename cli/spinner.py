"""What a long command is at right now: a spinner on a terminal, and nothing elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status


class Spinner:
    """Turns while it is entered, if someone watches."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._spinner: Status | None = None

    def __enter__(self) -> Self:
        """Start the spinner, if someone watches."""
        if not self._quiet and self._console.is_terminal:
            self._spinner = self._console.status("starting …")
            self._spinner.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the spinner."""
        if self._spinner:
            self._spinner.stop()
