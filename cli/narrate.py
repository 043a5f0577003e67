"""Tell of a run's steps as they go: a line a step, with what it is at right now."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from cli.sayings import saying
from cli.spinner import Spinner
from millrace.report.text import clip
from millrace.runs.summary import StepRecord
from pipelines.local.events import Event, TaskEnded, TaskSaid, TaskStarted

_WIDTH = 60
"""Letters of progress that are shown: a line that wraps leaves a part of it behind on Ctrl-C."""
MARKS = {"done": "[green]✓[/]", "reused": "[cyan]↺[/]", "failed": "[red]✗[/]"}


class Narrator(Spinner):
    """Hears the events of a run and shows them; on a terminal, with a spinner."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        super().__init__(console, quiet=quiet)
        self._ended: list[TaskEnded] = []

    @property
    def failure(self) -> dict[str, str] | None:
        """Return the fault of the first step that failed, if one did."""
        return next((task.failure for task in self._ended if task.outcome == "failed"), None)

    def steps(self) -> list[StepRecord]:
        """Return what became of each step so far."""
        return [
            StepRecord.model_validate(
                {
                    "name": task.task,
                    "outcome": task.outcome,
                    "seconds": round(task.seconds, 3),
                    "note": task.note,
                }
            )
            for task in self._ended
        ]

    def hear(self, event: Event) -> None:
        """Show one event; that it cannot be shown must not end the run, so then it is not."""
        if isinstance(event, TaskEnded):
            self._ended.append(event)
        try:
            self._show(event)
        except OSError:
            self._quiet = True

    def _show(self, event: Event) -> None:
        if self._quiet:
            return
        if isinstance(event, TaskEnded):
            self._console.print(_line(event), soft_wrap=True)
        elif self._spinner and isinstance(event, TaskStarted):
            self._spinner.update(f"{event.task} …")
        elif self._spinner and isinstance(event, TaskSaid) and (words := saying(event.event)):
            self._spinner.update(f"{event.task} … {escape(clip(words, _WIDTH))}")


def _line(task: TaskEnded) -> str:
    seconds = "reused" if task.outcome == "reused" else f"{task.seconds:.1f} s"
    note = escape(task.note or (task.failure or {}).get("problem", ""))
    return f"{MARKS[task.outcome]} {task.task:<12}{seconds:>8}  {note}"
