"""What a collector counts, as Prometheus reads it."""

from __future__ import annotations

import math
import time
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from serving.events.checks import Reason

_PREFIX = "millrace_events"


class Counts:
    """Counters, for any thread."""

    def __init__(self) -> None:
        """Begin at zero, with every label that there is."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self.received = self._counter("received", "Events that were taken.", "sender")
        self.joined = self._counter("joined", "Events made of a request and its answer.")
        self.incomplete = self._counter(
            "incomplete", "Events whose other half did not come.", "missing"
        )
        self.unreadable = self._counter("unreadable", "Events kept as they came.")
        self.duplicates = self._counter("duplicates", "Halves that came again, and were left.")
        self.refused = self._counter("refused", "Events and requests that were refused.", "reason")
        self.written = self._counter("written_bytes", "Bytes of events that were kept.")
        self.waiting = self._gauge("waiting", "Halves that wait for their other half.")
        self._newest = -math.inf
        newest = self._gauge(
            "newest_age_seconds", "Since an event was kept last; NaN if none was yet."
        )
        newest.set_function(self._age)
        for sender in ("predictor", "logger"):
            self.received.labels(sender)
        for missing in ("request", "response"):
            self.incomplete.labels(missing)
        for reason in get_args(Reason):
            self.refused.labels(reason)

    def kept(self, size: int) -> None:
        """Count bytes that were kept now."""
        self.written.inc(size)
        self._newest = time.monotonic()

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the format that `Accept` prefers."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _age(self) -> float:
        return math.nan if math.isinf(self._newest) else time.monotonic() - self._newest

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, registry=self._registry)
