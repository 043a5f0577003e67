"""What a worker counts, in an array of doubles that others may read while it counts."""

from __future__ import annotations

import mmap
import time
from bisect import bisect_left, bisect_right
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from serving.predictor.layout import CELLS, PROTOCOLS, STATUSES, Layout

Cells: TypeAlias = "memoryview[float]"
"""CELLS doubles, written by one worker only."""


CELLS_FILE = "MILLRACE_PREDICTOR_CELLS"
"""Environment variable: file that a worker counts in; set by the parent of several workers."""


def private_cells() -> Cells:
    """Return cells that nobody else reads: those of a process without workers."""
    return memoryview(bytearray(8 * CELLS)).cast("d")


def shared_cells(file: Path) -> Cells:
    """Return the cells that lie in a file, which outlives the worker that counts in them.

    A worker that takes the place of a dead one counts on from where that one stopped.
    """
    with file.open("a+b") as handle:
        handle.truncate(8 * CELLS)
        return memoryview(mmap.mmap(handle.fileno(), 8 * CELLS)).cast("d")


class Metrics:
    """Counts of one worker.

    Requests and scores are counted by any thread, all else in the event loop, and only there.
    """

    def __init__(self, cells: Cells, layout: Layout, edges: tuple[float, ...]) -> None:
        """Set up.

        Args:
            cells: where to count.
            layout: where each number lies in them.
            edges: inner edges of the bins of scores.
        """
        self.cells = cells
        self.layout = layout
        self.exemplars: dict[int, tuple[str, float, float]] = {}
        """For buckets of the request histogram: last request id, its seconds, Unix time."""
        self._edges = edges
        self._edge_array = np.asarray(edges, np.float64)
        self._requests = {
            (protocol, status): layout.request(protocol, status)
            for protocol in PROTOCOLS
            for status in STATUSES
        }
        self._other = {protocol: layout.request(protocol, 0) for protocol in PROTOCOLS}
        self._latency = layout.latency
        self._latency_start = layout.latency_start
        self._latency_sum = layout.latency_start + len(layout.latency) + 1
        self._scores = layout.scores_start
        self._lock = Lock()

    def request(self, protocol: str, status: int, seconds: float, request_id: str) -> None:
        """Count one inference request that was answered.

        Args:
            protocol: `v1`, `v2` or `grpc`.
            status: HTTP status; gRPC's codes are counted as the statuses they stand for.
            seconds: from the request's first byte of body to its answer.
            request_id: becomes the exemplar of its bucket.
        """
        cells = self.cells
        cell = self._requests.get((protocol, status))
        bucket = bisect_left(self._latency, seconds)
        with self._lock:
            cells[self._other[protocol] if cell is None else cell] += 1
            cells[self._latency_start + bucket] += 1
            cells[self._latency_sum] += seconds
        self.exemplars[bucket] = (request_id, seconds, time.time())

    def scores(self, predictions: npt.NDArray[np.float32]) -> None:
        """Count predictions, shape [n, 1], in their bins."""
        cells = self.cells
        if len(predictions) == 1:
            place = bisect_right(self._edges, float(predictions[0, 0]))
            with self._lock:
                cells[self._scores + place] += 1
            return
        places = np.searchsorted(self._edge_array, predictions[:, 0], side="right")
        counts = np.bincount(places).tolist()
        with self._lock:
            for place, count in enumerate(counts):
                cells[self._scores + place] += count

    def lookup(self, seconds: float) -> None:
        """Count one request's wait for the online store."""
        bounds, start = self.layout.lookup, self.layout.lookup_start
        self.cells[start + bisect_left(bounds, seconds)] += 1
        self.cells[start + len(bounds) + 1] += seconds

    def degraded(self) -> None:
        """Count one answer that was made from defaults."""
        self.cells[Layout.DEGRADED] += 1

    def events_sent(self, count: int = 1) -> None:
        """Count events that their receiver took."""
        self.cells[Layout.EVENTS_SENT] += count

    def events_dropped(self, count: int = 1) -> None:
        """Count events that were given up."""
        self.cells[Layout.EVENTS_DROPPED] += count

    def ready(self, yes: bool) -> None:
        """Say whether this worker wants requests."""
        self.cells[Layout.READY] = float(yes)
