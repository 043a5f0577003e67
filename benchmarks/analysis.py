"""How often the analysis of canaries errs, and how soon it catches a worse one, beside its peers.

Everything is decided over 10,000 rollouts at once, and for some of them by `judge` itself; that
the two agree is the last row.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from benchmarks import analysis_catching, analysis_chances
from benchmarks.analysis_judged import Judged
from benchmarks.rows import Row


def run() -> list[Row]:
    return list(_told())


def _told() -> Iterator[Row]:
    judged = Judged()
    for row in chain(analysis_chances.rows(judged), analysis_catching.rows(judged)):
        print(f"  {row['name']}: {row['ours']:g}", flush=True)
        yield row
    yield judged.row()
