"""What a process said last, from its log: the reason why it ended, in most cases."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

_END_BYTES = 4096
_LONGEST = 300
"""Characters of a line that are quoted."""


def size_of(log: Path) -> int:
    """Return how long a log is, in bytes; 0 if there is none."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def last_words(log: Path, since: int) -> str:
    """Return the last line that was written to a log; '' if there is none that says anything.

    Of a predictor's own lines, which are JSON, that is the message; before an error of argparse
    stands the name of the program, which is left out.

    Args:
        log: the log.
        since: how long it was, in bytes, when the process began.
    """
    size = size_of(log)
    begin = since if since <= size else 0  # it was cut in between
    try:
        with log.open("rb") as file:
            file.seek(max(begin, size - _END_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    with suppress(ValueError):
        told = json.loads(line)
        line = str(told.get("message", "")) if isinstance(told, dict) else line
    _, _, rest = line.partition(": error: ")
    text = " ".join((rest or line).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
