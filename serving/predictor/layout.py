"""Where each number of the metrics lies: one array of doubles, the same in every worker."""

from __future__ import annotations

from dataclasses import dataclass

STATUSES = (200, 400, 404, 405, 408, 413, 415, 500, 503)
"""Statuses that answers to inference requests carry; another one would count as the last."""
PROTOCOLS = ("v1", "v2", "grpc")
CELLS = 4096
"""Doubles of one worker: more than any layout takes, so that its file can be made at once."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def bounds_with(objective: float) -> tuple[float, ...]:
    """Return the upper bounds of a latency histogram's buckets, in seconds, without infinity."""
    return tuple(sorted({*_SECONDS, objective}))


@dataclass(frozen=True)
class Layout:
    """Positions of all metrics in the array of one worker.

    A histogram of k bounds takes k + 2 cells: one a bucket (not cumulated), the last bucket for
    what is above all bounds, then the sum.
    """

    latency: tuple[float, ...]
    """Bounds of the request histogram, the objective among them."""
    lookup: tuple[float, ...]
    """Bounds of the lookup histogram, the lookup timeout among them."""
    bins: int
    """Bins in which scores are counted."""

    READY = 0
    DEGRADED = 1
    EVENTS_SENT = 2
    EVENTS_DROPPED = 3
    REQUESTS = 4

    @property
    def latency_start(self) -> int:
        """Return where the request histogram begins."""
        return self.REQUESTS + len(STATUSES) * len(PROTOCOLS)

    @property
    def lookup_start(self) -> int:
        """Return where the lookup histogram begins."""
        return self.latency_start + len(self.latency) + 2

    @property
    def scores_start(self) -> int:
        """Return where the counts of scores begin."""
        return self.lookup_start + len(self.lookup) + 2

    @property
    def end(self) -> int:
        """Return how many cells are taken."""
        return self.scores_start + self.bins

    def request(self, protocol: str, status: int) -> int:
        """Return the cell of the requests of a protocol that were answered with a status."""
        column = STATUSES.index(status) if status in STATUSES else len(STATUSES) - 1
        return self.REQUESTS + PROTOCOLS.index(protocol) * len(STATUSES) + column


def layout_for(objective: float, lookup_timeout: float, bins: int) -> Layout:
    """Return the layout of a model's metrics.

    Args:
        objective: latency objective in seconds.
        lookup_timeout: seconds after which the online store counts as down.
        bins: bins in which scores are counted.
    """
    return Layout(bounds_with(objective), bounds_with(lookup_timeout), bins)
