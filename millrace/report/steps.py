"""What each step did and how long it took."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.report import text
from millrace.runs.summary import RunSummary, StepRecord


@dataclass(frozen=True)
class Step:
    """One step; its bar in percent of the slowest."""

    name: str
    outcome: str
    duration: str
    length: float
    note: str


@dataclass(frozen=True)
class Steps:
    """What the section on steps shows."""

    steps: list[Step]
    sentence: str


def steps(summary: RunSummary) -> Steps:
    """Return the steps in their order, and a sentence on the time and on what was reused."""
    slowest = max((_seconds(step) for step in summary.steps), default=0.0) or 1.0
    made = [
        Step(
            step.name,
            step.outcome,
            text.duration(step.seconds) if step.outcome not in ("reused", "skipped") else "",
            round(100 * _seconds(step) / slowest, 2),
            text.clip(step.note, 240),
        )
        for step in summary.steps
    ]
    return Steps(made, sentence(summary))


def sentence(summary: RunSummary) -> str:
    """Return how long the run took and how many steps an earlier run had done already."""
    reused = sum(step.outcome == "reused" for step in summary.steps)
    took = f"The run took {text.duration(summary.seconds)}"
    if not reused:
        return f"{took}; no step was reused."
    verb = "was" if reused == 1 else "were"
    return f"{took}; {reused} of {text.counted(len(summary.steps), 'step')} {verb} reused."


def _seconds(step: StepRecord) -> float:
    return step.seconds or 0.0 if step.outcome not in ("reused", "skipped") else 0.0
