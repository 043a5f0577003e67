"""As of which times a backtest retrains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from millrace.durations import duration_text, read_duration
from millrace.errors import PipelineError, WorkloadError
from millrace.runs.arguments import point_in_time
from millrace.workload import Workload

_LEAST = "1m"


@dataclass(frozen=True)
class Schedule:
    """A model as of `start` and every `every` after it, until `end`."""

    start: datetime
    end: datetime
    every: timedelta

    @classmethod
    def read(cls, period: str, every: str) -> Schedule:
        """Return what `--backtest FROM..TO --every 7d` asks for.

        Raises:
            PipelineError: one of them is not what it should be, there is only one time, or the
                period reaches into the future.
        """
        first, dots, last = period.partition("..")
        start, end = (
            point_in_time(text.strip(), "--backtest") if text.strip() else None
            for text in (first, last)
        )
        if not dots or start is None or end is None or start >= end:
            raise PipelineError(
                "is no period",
                where="--backtest",
                found=repr(period),
                expected="FROM..TO with FROM before TO, such as 2026-01-01..2026-07-01",
            )
        if end > datetime.now(UTC):
            raise PipelineError(
                "the period reaches into the future, which cannot be replayed",
                where="--backtest",
                found=last.strip(),
                expected="a time that has passed",
            )
        step = _step(every)
        if step > end - start:
            raise PipelineError(
                "there is only one model in the period, and nothing that it could be scored on",
                where="--every",
                found=every,
                expected=f"at most {duration_text(end - start)}, the length of the period",
            )
        return cls(start, end, step)

    @property
    def times(self) -> list[datetime]:
        """Return the as-of times."""
        count = (self.end - self.start) // self.every + 1
        return [self.start + number * self.every for number in range(count)]

    def check(self, workload: Workload) -> None:
        """See that the workload's history can be replayed so.

        Raises:
            WorkloadError: it has no clock, or its window is shorter than a period.
        """
        time = workload.spec.time
        if time is None:
            raise WorkloadError(
                "the workload has no time, so there is no history to replay",
                where=str(workload.file),
                expected="spec.time",
                remedy="declare spec.time, or run it without --backtest",
            )
        if time.window is not None and time.window < self.every:
            raise WorkloadError(
                "the window is shorter than the time from one model to the next, so some events "
                "would be read by no run",
                where=f"{workload.file} at spec.time.window",
                found=duration_text(time.window),
                expected=f"{duration_text(self.every)} or more, as --every says",
                remedy="retrain more often, or widen `window`",
            )


def _step(text: str) -> timedelta:
    expected = f"{_LEAST} or more, such as 7d"
    try:
        step = read_duration(text.strip())
    except ValueError as error:
        step, expected = timedelta(0), str(error)
    if step < read_duration(_LEAST):
        raise PipelineError(
            "is no time from one model to the next",
            where="--every",
            found=repr(text),
            expected=expected,
        )
    return step
