"""Each step of `make kind-up` as a line with its seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from millrace.errors import MillraceError


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell when a step is done, and which one failed."""
    began = time.monotonic()
    try:
        yield
    except MillraceError as error:
        raise MillraceError(
            error.problem,
            where=f"{what}: {error.where}".rstrip(": "),
            found=error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from error
    sys.stdout.write(f"  {what:<52}{time.monotonic() - began:7.1f} s\n")
    sys.stdout.flush()


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
