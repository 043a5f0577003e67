"""What ends a step from outside: its time is over, or whoever started it is gone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from millrace.errors import MillraceError

TIMEOUT = "MILLRACE_STEP_TIMEOUT"
"""Environment variable: seconds after which a step is ended; set by the pipeline."""

PARENT = "MILLRACE_STEP_PARENT"
"""Environment variable: process without which a step ends; set by whoever runs it on a laptop."""


def end_after_timeout(name: str, tell: Callable[[MillraceError], None]) -> None:
    """End this process when its time is over, whatever it is busy with, and tell why first."""
    seconds = os.environ.get(TIMEOUT, "")
    if not seconds:
        return

    def end() -> None:
        try:
            tell(
                MillraceError(
                    f"the step took longer than {float(seconds):g} s",
                    where=name,
                    remedy="raise its timeout in components/, or give it less to do",
                )
            )
        finally:
            os._exit(1)

    watch = threading.Timer(float(seconds), end)
    watch.daemon = True
    watch.start()


def end_with_parent() -> None:
    """End this process when the one that started the run is gone."""
    parent = os.environ.get(PARENT, "")
    if not parent:
        return

    def watch() -> None:
        while True:
            try:
                os.kill(int(parent), 0)
            except ProcessLookupError:
                os._exit(1)
            time.sleep(1)

    threading.Thread(target=watch, daemon=True).start()
