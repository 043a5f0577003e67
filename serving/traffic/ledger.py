"""What became of the requests: counts as they come in, and the report that is made of them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from millrace.documents import Document
from serving.traffic.latencies import Latencies

LATE = 0.01
"""Seconds after its time at which a request counts as sent late."""


class Quantiles(Document):
    """Latencies in milliseconds, from when a request was due until it was answered."""

    p50: float | None
    p95: float | None
    p99: float | None
    longest: float


class ArmReport(Document):
    """What one arm answered."""

    answered: int
    errors: int
    """Answers other than 200 and OK."""
    latency: Quantiles


class TrafficReport(Document):
    """What became of all requests."""

    url: str
    seconds: float
    """How long requests were sent."""
    sent: int
    rows: int
    """Rows that they asked for."""
    protocols: dict[str, int]
    """Requests sent by protocol: v2, v1, grpc."""
    answered: dict[str, int]
    """Answers by HTTP status or gRPC code."""
    lost: int
    """Requests that nobody answered."""
    lost_because: dict[str, int]
    retried: int
    """Requests sent again, because a kept connection was closed before any byte of the answer."""
    late: int
    """Requests sent more than 10 ms after their time: this machine was too busy."""
    unsent: int
    """Requests that were due while too many others had no answer."""
    latency: Quantiles
    arms: dict[str, ArmReport]
    """By version, as the answers' header says; `gateway` for those that no arm gave."""

    @property
    def errors(self) -> int:
        """Return how many answers were not 200 or OK."""
        return sum(n for code, n in self.answered.items() if code not in ("200", "OK"))


class Ledger:
    """Counts of everything that happens to requests."""

    def __init__(self) -> None:
        self.began = self.ended = time.perf_counter()
        self.sent: Counter[str] = Counter()
        self.rows = self.retried = self.late = self.unsent = 0
        self.answered: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._all = Latencies()
        self._arms: defaultdict[str, Latencies] = defaultdict(Latencies)
        self._arm_errors: Counter[str] = Counter()

    def answer(self, code: str, version: str, seconds: float) -> None:
        """Count an answer."""
        arm = version or "gateway"
        self.answered[code] += 1
        self._all.add(seconds)
        self._arms[arm].add(seconds)
        if code not in ("200", "OK"):
            self._arm_errors[arm] += 1

    def report(self, url: str) -> TrafficReport:
        """Return what happened so far."""
        arms = {
            name: ArmReport(
                answered=found.count, errors=self._arm_errors[name], latency=_quantiles(found)
            )
            for name, found in sorted(self._arms.items())
        }
        return TrafficReport(
            url=url,
            seconds=round(self.ended - self.began, 3),
            sent=self.sent.total(),
            rows=self.rows,
            protocols=dict(self.sent),
            answered=dict(sorted(self.answered.items())),
            lost=self.lost.total(),
            lost_because=dict(self.lost),
            retried=self.retried,
            late=self.late,
            unsent=self.unsent,
            latency=_quantiles(self._all),
            arms=arms,
        )


def _quantiles(found: Latencies) -> Quantiles:
    p50, p95, p99 = (_milliseconds(found.quantile(share)) for share in (0.5, 0.95, 0.99))
    return Quantiles(p50=p50, p95=p95, p99=p99, longest=_milliseconds(found.longest) or 0.0)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 2)
