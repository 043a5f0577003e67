"""A collector in this process, whose clock stands still until a test moves it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.events.checks import Refused
from serving.events.collector import Collector
from serving.events.counts import Counts
from serving.events.files import EventFiles
from serving.events.halves import Half
from serving.events.intake import Whole, read_events
from serving.events.joining import Joiner
from tests.integration.logger_events import Sent

WAIT = 30.0


def read(sent: Sent) -> list[Whole | Half]:
    """Return the events of a request, none of which is refused."""
    headers, body = sent
    events = read_events({name.lower(): text for name, text in headers.items()}, body)
    found = []
    for event in events:
        assert not isinstance(event, Refused), event
        found.append(event)
    return found


@dataclass
class Collecting:
    """A collector, and what it has kept."""

    folder: Path
    most: int = 1000
    most_bytes: int = 2**24
    longest: int = 2**20
    now: float = 0.0
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        joiner = Joiner(WAIT, self.most, self.most_bytes)
        files = EventFiles(self.longest)
        self.collector = Collector(self.folder, joiner, files, self.counts, lambda: self.now)
        self.collector.recover()

    def take(self, *sent: Sent) -> None:
        for one in sent:
            self.collector.take(read(one))

    def pass_by(self, seconds: float) -> None:
        """Let time pass by."""
        self.now += seconds
        self.collector.give_up()

    def count(self, sample: str) -> float:
        page = self.counts.page("")[0].decode()
        [line] = [line for line in page.splitlines() if line.startswith(f"millrace_{sample} ")]
        return float(line.split()[-1])

    def kept(self, file: str = "models/pumps.jsonl") -> list[dict[str, Any]]:
        """Return the events of a file."""
        path = self.folder / file
        return events_in([path]) if path.exists() else []


def events_in(files: Iterable[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
