"""The laptop's history of counters: an append-only SQLite log that readers follow while it grows.

A row is one scrape of one instance: its counters as JSON. So a second of a running arm costs a few
hundred bytes, and what was read together stays together.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from millrace.errors import MetricsError
from millrace.settings import Settings
from serving.metrics.base import Sample

RETENTION_SECONDS = 48 * 3600.0
"""Twice the longest rollout that a workload may ask for by default."""
SWEEPS = 100
"""How often within the retention what is too old is dropped."""
PRIVATE = "_"
"""Begins a counter that is kept for people to look at and is no evidence."""
BUSY_SECONDS = 5.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS scrapes (
  arm TEXT NOT NULL, time REAL NOT NULL, instance TEXT NOT NULL, counters TEXT NOT NULL,
  PRIMARY KEY (arm, time, instance)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Scrape:
    """The counters of one instance of an arm, read at one time.

    Attributes:
        time: Unix time, seconds.
        arm: name of the arm.
        instance: what counted; see Sample.
        counters: value by counter; a name that begins with `_` is for people, not for analysis.
    """

    time: float
    arm: str
    instance: str
    counters: Mapping[str, float]


class MetricsLog:
    """The log of one home; one process writes, any number read."""

    def __init__(self, file: Path, retention: float = RETENTION_SECONDS) -> None:
        """Take the SQLite file, made by the first write, and how long rows are kept, seconds."""
        self._file = file
        self._retention = retention
        self._swept = 0.0

    def append(self, scrapes: Iterable[Scrape], now: float) -> None:
        """Write what was scraped at one time in one transaction, and drop what is too old.

        Raises:
            MetricsError: the disk does not take it.
        """
        rows = [
            (one.arm, one.time, one.instance, json.dumps(one.counters, separators=(",", ":")))
            for one in scrapes
        ]
        with self._answering(), closing(self._connect()) as log, log:
            log.executemany("INSERT OR REPLACE INTO scrapes VALUES (?, ?, ?, ?)", rows)
            if now - self._swept >= self._retention / SWEEPS:  # it reads the whole log
                log.execute("DELETE FROM scrapes WHERE time < ?", (now - self._retention,))
                self._swept = now

    def samples(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        """See MetricsSource."""
        return [
            Sample(scrape.time, scrape.arm, scrape.instance, counter, float(value))
            for scrape in self.scrapes(arms, since, until)
            for counter, value in scrape.counters.items()
            if not counter.startswith(PRIVATE)
        ]

    def scrapes(self, arms: Sequence[str], since: float, until: float) -> list[Scrape]:
        """Return whole scrapes of some arms with since <= time <= until, in order of time.

        Raises:
            MetricsError: the log cannot be read.
        """
        if not self._file.exists():
            return []
        with self._answering(), closing(self._connect(write=False)) as log:
            rows = [row for arm in arms for row in log.execute(_BETWEEN, (arm, since, until))]
        found = [
            Scrape(time, arm, instance, json.loads(text)) for arm, time, instance, text in rows
        ]
        return sorted(found, key=lambda scrape: scrape.time)

    def _connect(self, *, write: bool = True) -> sqlite3.Connection:
        if not write:
            return sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        log = sqlite3.connect(self._file, timeout=BUSY_SECONDS)
        log.execute("PRAGMA journal_mode=WAL")
        log.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last seconds, no more
        log.execute(SCHEMA)
        return log

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise MetricsError(
                f"the log of metrics does not do as asked: {error}",
                where=str(self._file),
                remedy="free space or mend access; if it is damaged, delete it",
            ) from error


_BETWEEN = """
SELECT arm, time, instance, counters FROM scrapes
WHERE arm = ? AND time BETWEEN ? AND ? ORDER BY time
"""


def metrics_log(settings: Settings) -> MetricsLog:
    """Return the log of the local platform in this home."""
    return MetricsLog(settings.platform_folder / "metrics.db")
