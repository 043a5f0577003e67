"""Tell of a run's steps as they go: a line a step, with what it is at right now."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from millrace.runs.summary import StepRecord
from serving.local.events import Event, TaskEnded, TaskSaid, TaskStarted

MARKS = {"done": "[green]✓[/]", "reused": "[cyan]↺[/]", "failed": "[red]✗[/]"}


class Narrator:
    """Hears the events of a run and shows them; on a terminal, with a spinner."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._spinner: Status | None = None
        self._ended: list[TaskEnded] = []

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
        """Show one event."""
        if isinstance(event, TaskEnded):
            self._ended.append(event)
            if not self._quiet:
                self._console.print(_line(event))
        elif self._spinner and isinstance(event, TaskStarted):
            self._spinner.update(f"{event.task} …")
        elif self._spinner and isinstance(event, TaskSaid):
            self._spinner.update(f"{event.task} … {escape(_saying(event.event))}")


def _line(task: TaskEnded) -> str:
    seconds = "reused" if task.outcome == "reused" else f"{task.seconds:.1f} s"
    note = escape(task.note or (task.failure or {}).get("problem", ""))
    return f"{MARKS[task.outcome]} {task.task:<12}{seconds:>8}  {note}"


def _saying(event: dict[str, Any]) -> str:
    fields = {key: value for key, value in event.items() if key not in ("event", "step")}
    if "done" in fields and "total" in fields:
        fields["done"] = f"{fields['done']} of {fields.pop('total')}"
    words = ", ".join(
        f"{key.replace('_', ' ')} {value:.4g}"
        if isinstance(value, float)
        else f"{key.replace('_', ' ')} {value}"
        for key, value in fields.items()
    )
    return f"{str(event['event']).replace('_', ' ')}: {words}" if words else str(event["event"])
