"""Where the command writes: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any

from rich.console import Console

_UNBOUNDED = 100_000
"""Columns of a pipe or file, which no table reaches: nothing is cut or folded there."""


class Voice(Console):
    """A console that falls silent when nobody reads any more, so that what runs is finished."""

    def on_broken_pipe(self) -> None:
        """Say nothing from now on; rich would end the process here, in the middle of a step."""
        self.quiet = True
        with suppress(OSError):  # a file that is no descriptor cannot fail when Python exits
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


console = Voice(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _UNBOUNDED)
"""For what people read; it keeps writing there while kfp's own chatter is redirected."""


def print_json(value: Any) -> None:
    """Print a value as JSON, and nothing else, to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
