"""What a user asks of a run, held to what makes sense before anything starts."""

from __future__ import annotations

from dataclasses import dataclass

from cli.find import find_bundle, is_bundle_start
from millrace.errors import PipelineError
from millrace.runs.arguments import point_in_time, time_window
from millrace.storage import Store
from millrace.workload import Workload


@dataclass(frozen=True)
class Request:
    """What the user asks for, as it was typed."""

    workload: str
    as_of: str
    window: str
    champion: str
    signal: str

    def check_replayable(self) -> None:
        """See that nothing is asked that a backtest decides itself.

        Raises:
            PipelineError: a time, a window, a champion or a signal is named.
        """
        asked = {
            "--as-of": self.as_of,
            "--window": self.window,
            "--champion": self.champion if self.champion != "auto" else "",
            "--signal": self.signal if self.signal != "manual" else "",
        }
        for option, value in asked.items():
            if value:
                raise PipelineError(
                    "makes no sense with --backtest, which decides it turn by turn",
                    where=option,
                    found=repr(value),
                    remedy="leave it out",
                )

    def arguments(self, workload: Workload, store: Store) -> dict[str, str]:
        """Return the pipeline's parameters that this request sets.

        Args:
            workload: the workload that it names.
            store: where the bundles lie.

        Raises:
            MillraceError: a time or the window is none, or the champion names no bundle.
        """
        point_in_time(self.as_of, "--as-of")
        start, end = _window(self.window, workload)
        return {
            "signal": self.signal,
            "as_of": self.as_of,
            "window_start": start,
            "window_end": end,
            "champion_bundle": _champion(self.champion, store),
        }


def check_goes_with_backtest(option: str, value: str | None) -> None:
    """See that an option of backtests is not given without one.

    Raises:
        PipelineError: it is.
    """
    if value is not None:
        raise PipelineError(
            "says nothing without --backtest",
            where=option,
            found=repr(value),
            remedy="leave it out, or add --backtest FROM..TO",
        )


def _window(text: str, workload: Workload) -> tuple[str, str]:
    if not text:
        return "", ""
    from millrace.ingest.window import checked_window

    start, dots, end = text.partition("..")
    if not (dots and start and end):
        raise PipelineError(
            "is no window",
            where="--window",
            found=repr(text),
            expected="START..END, such as 2026-02-01..2026-03-01",
        )
    checked_window(workload, time_window(start, end))
    return start, end


def _champion(text: str, store: Store) -> str:
    if text in ("auto", "none"):
        return text
    if not is_bundle_start(text):
        raise PipelineError(
            "names no champion",
            where="--champion",
            found=repr(text),
            expected="auto, none, or at least 6 of the hexadecimal digits a bundle's digest has",
            remedy="`millrace candidates` lists them",
        )
    return find_bundle(text, store, f"--champion {text}")
