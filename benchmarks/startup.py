"""How long the command takes to answer: `import millrace` and `millrace --help`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.rows import Row, against_goal

REPEATS = 9


def run() -> list[Row]:
    bare = _seconds([sys.executable, "-c", "pass"])
    imported = _seconds([sys.executable, "-c", "import millrace"])
    helped = _seconds([str(Path(sys.executable).with_name("millrace")), "--help"])
    return [
        against_goal("import millrace, seconds over bare Python", imported - bare, at_most=0.1),
        against_goal("millrace --help, seconds", helped, at_most=0.4),
    ]


def _seconds(command: list[str]) -> float:
    """Return the median wall time of a command, after one that warms the disk's cache."""
    taken = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])
