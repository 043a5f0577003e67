"""Tell of a backtest's turns as they go: a line a turn, with what it is at right now."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from cli.console import console
from cli.sayings import saying
from cli.spinner import Spinner
from cli.views_backtest import turn_line
from millrace.backtest import Turn
from millrace.report.text import clip, duration

_WIDTH = 50
"""Letters of progress that are shown: a line that wraps leaves a part of it behind on Ctrl-C."""


class Watch(Spinner):
    """Shows a line a turn, and on a terminal what it is at right now."""

    def __init__(self, planned: int, *, quiet: bool) -> None:
        super().__init__(console, quiet=quiet)
        self._planned = planned
        self._done: list[Turn] = []
        self._step = ""

    def step_begins(self, step: str) -> None:
        """Show the step that begins."""
        self._step = step
        self._show("")

    def hear(self, event: dict[str, Any]) -> None:
        """Show what a step says of its progress."""
        if words := saying(event):
            self._show(clip(words, _WIDTH))

    def turn_ends(self, turn: Turn) -> None:
        """Show what became of a turn."""
        self._done.append(turn)
        if not self._quiet:
            console.print(turn_line(turn), soft_wrap=True)

    def _show(self, words: str) -> None:
        if self._spinner:
            place = f"turn {len(self._done) + 1} of {self._planned}{self._left()}"
            self._spinner.update(escape(f"{place}: {self._step} … {words}"))

    def _left(self) -> str:
        """Return how long the rest will take, as turns took that were made now or before."""
        if not self._done:
            return ""
        pace = sum(turn.seconds for turn in self._done) / len(self._done)
        return f", about {duration(pace * (self._planned - len(self._done)))} left"
