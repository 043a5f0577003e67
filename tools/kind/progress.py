"""Each step of `make kind-up` as a line with its seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from millrace.errors import MillraceError


class _Board:
    """What runs now, a line each with its seconds, below what is done; only on a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._running = 0
        self._change = Lock()
        self._lines = Progress(
            *(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    @contextmanager
    def line(self, what: str) -> Iterator[None]:
        """Show a line as long as something runs."""
        with self._change:
            self._running += 1
            task = self._lines.add_task(what, total=None)
            self._lines.start()
        try:
            yield
        finally:
            with self._change:
                self._running -= 1
                self._lines.remove_task(task)
                if not self._running:
                    self._lines.stop()

    def tell(self, line: str) -> None:
        """Write a line that stays."""
        self._console.print(line, markup=False, soft_wrap=True)


_BOARD = _Board()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell that a step runs, when it is done, and which one failed."""
    began = time.monotonic()
    try:
        with _BOARD.line(what):
            yield
    except MillraceError as error:
        raise MillraceError(
            error.problem,
            where=f"{what}: {error.where}".rstrip(": "),
            found=error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from error
    _BOARD.tell(f"  {what:<52}{time.monotonic() - began:7.1f} s")


def together(*works: Callable[[], None]) -> None:
    """Do several works at once, to their ends; the first fault is raised then."""
    with ThreadPoolExecutor(len(works)) as pool:
        done = [pool.submit(work) for work in works]
    for one in done:
        one.result()


def until(what: str, holds: Callable[[], bool], seconds: float, remedy: str = "") -> None:
    """Wait until something holds.

    Raises:
        MillraceError: it does not, in this time.
    """
    if not holds_within(seconds, holds):
        raise MillraceError(f"not so after {seconds:g} s", where=what, remedy=remedy)


def holds_within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Return whether something comes to hold in this time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True
