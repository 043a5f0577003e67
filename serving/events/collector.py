"""Keeps events: whole ones as they come, and those that come in two halves once they are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from serving.events.counts import Counts
from serving.events.files import EventFiles
from serving.events.halves import Half
from serving.events.intake import Whole
from serving.events.joining import Joiner
from serving.events.journal import Journal
from serving.events.recovery import kept_already
from serving.events.shaping import Shaped, incomplete, joined, workload_of

JOURNAL = "waiting.halves"
"""File in the folder; no namespace is named so."""


class Collector:
    """Keeps events in files, one a workload and namespace; for one thread at a time."""

    def __init__(
        self,
        folder: Path,
        joiner: Joiner,
        files: EventFiles,
        counts: Counts,
        clock: Callable[[], float],
    ) -> None:
        """Set up.

        Args:
            folder: where the files are.
            joiner: what waits.
            files: appends to them.
            counts: where all is counted.
            clock: tells seconds.
        """
        self._folder = folder
        self._joiner = joiner
        self._files = files
        self._counts = counts
        self._clock = clock
        self._journal = Journal(folder / JOURNAL)
        counts.waiting.set_function(lambda: len(joiner))

    def recover(self) -> None:
        """Let wait what waited when the last process ended, but what it had written already.

        Raises:
            OSError: the folder cannot be read or written.
            ValueError: what is there is of somebody else.
        """
        for half in self._journal.read():
            self._joiner.wait(half, self._clock())
        waiting = list(self._joiner.halves())
        for file in {self._file(half.namespace, half.service) for half in waiting}:
            mine = [half for half in waiting if self._file(half.namespace, half.service) == file]
            for half in kept_already(file, mine):
                self._forget(half)

    def take(self, events: Iterable[Whole | Half]) -> None:
        """Keep events, in files or until their other halves come.

        Raises:
            OSError: they cannot be kept, or not all of them.
        """
        lines: dict[Path, list[bytes]] = {}
        for event in events:
            if isinstance(event, Half):
                self._half(event)
                self._counts.received.labels("logger").inc()
            else:
                file = self._file(event.namespace, event.service)
                lines.setdefault(file, []).append(event.line)
        for file, some in lines.items():
            self._keep(file, b"\n".join(some) + b"\n")
            self._counts.received.labels("predictor").inc(len(some))

    def give_up(self, *, all_of_them: bool = False) -> None:
        """Keep as incomplete what has waited long enough, or all that waits.

        Raises:
            OSError: it cannot be kept, and waits on.
        """
        waiting = self._joiner
        for half in list(waiting.halves()) if all_of_them else waiting.due(self._clock()):
            self._give_up(half)
        self._journal.shrink(waiting.halves(), waiting.size)

    def _half(self, half: Half) -> None:
        if self._joiner.knows(half):
            self._counts.duplicates.inc()
            return
        partner = self._joiner.partner(half)
        if partner is not None:
            event = joined(partner, half)
            self._keep_shaped(half, event)
            self._counts.joined.inc(event.readable)
            self._joiner.note(half)
            self._forget(partner)
            return
        for displaced in self._joiner.displaced(half):
            self._give_up(displaced)
        self._journal.wait(half)
        self._joiner.wait(half, self._clock())

    def _give_up(self, half: Half) -> None:
        self._keep_shaped(half, incomplete(half))
        missing = "response" if half.kind == "request" else "request"
        self._counts.incomplete.labels(missing).inc()
        self._forget(half)

    def _forget(self, half: Half) -> None:
        self._joiner.forget(half)
        with suppress(OSError):  # a start after this one finds it among what is kept
            self._journal.gone(half)

    def _keep_shaped(self, half: Half, event: Shaped) -> None:
        self._keep(self._file(half.namespace, half.service), event.lines)
        if not event.readable:
            self._counts.unreadable.inc()

    def _keep(self, file: Path, lines: bytes) -> None:
        self._files.keep(file, lines)
        self._counts.kept(len(lines))

    def _file(self, namespace: str, service: str) -> Path:
        return self._folder / namespace / f"{workload_of(service)}.jsonl"
