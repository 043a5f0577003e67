"""What happens during a pipeline run on a laptop, as values for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TaskStarted:
    """A step has begun."""

    task: str


@dataclass(frozen=True)
class TaskSaid:
    """A step told of its progress; `event` holds its name and fields."""

    task: str
    event: dict[str, Any]


@dataclass(frozen=True)
class TaskEnded:
    """A step is over.

    Attributes:
        task: name of the step.
        outcome: `done`, `reused` (KFP had its result already) or `failed`.
        seconds: wall time.
        peak_bytes: greatest resident memory of the step's processes; 0 if it was reused.
        note: what came out, in the step's words.
        failure: the fault, if it failed: MillraceError.as_dict().
    """

    task: str
    outcome: str
    seconds: float
    peak_bytes: int = 0
    note: str = ""
    failure: dict[str, str] | None = None


Event = TaskStarted | TaskSaid | TaskEnded
