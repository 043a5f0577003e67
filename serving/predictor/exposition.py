"""Metrics as Prometheus reads them: the sum of all workers, in its text format or OpenMetrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Exemplar

from serving.predictor.layout import PROTOCOLS, STATUSES, Layout
from serving.predictor.metrics import Cells
from serving.predictor.options import Options

Exemplars = Mapping[int, tuple[str, float, float]]
_PREFIX = "millrace_predictor"
_LONGEST_ID = 128 - len("request_id")
"""OpenMetrics 1.0: the labels of an exemplar take 128 characters at most, names included."""


@dataclass(frozen=True)
class Exposition:
    """Reads the cells of all workers whenever somebody scrapes."""

    layout: Layout
    cells: Sequence[Cells]
    labels: Mapping[str, str]
    """What the `info` metric says: model, version, digest."""
    exemplars: Exemplars = field(default_factory=dict)
    """Of the one worker that is in this process; several workers show none."""

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type, in the format that the `Accept` header prefers."""
        encode, content_type = choose_encoder(accept)
        # The encoders iterate over collect(), which is all that they need of a registry.
        return encode(self), content_type

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        used = [cells[: self.layout.end] for cells in self.cells]
        sums = [sum(column) for column in zip(*used, strict=True)]
        layout = self.layout
        info = GaugeMetricFamily(
            f"{_PREFIX}_info", "What this predictor serves.", labels=["model", "version", "digest"]
        )
        info.add_metric([self.labels[name] for name in ("model", "version", "digest")], 1)
        yield info
        yield GaugeMetricFamily(
            f"{_PREFIX}_ready", "Workers that want requests.", value=sums[Layout.READY]
        )
        yield self._requests(sums)
        yield _histogram(
            "request_duration_seconds",
            "Time from reading an inference request to its answer.",
            layout.latency,
            sums[layout.latency_start : layout.lookup_start],
            self.exemplars,
        )
        yield _histogram(
            "lookup_duration_seconds",
            "Time that a request waited for the online store.",
            layout.lookup,
            sums[layout.lookup_start : layout.scores_start],
            {},
        )
        scores = CounterMetricFamily(
            f"{_PREFIX}_scores", "Predictions by comparison bin.", labels=["bin"]
        )
        for place, count in enumerate(sums[layout.scores_start : layout.end]):
            scores.add_metric([str(place)], count)
        yield scores
        for name, text, cell in _COUNTERS:
            yield CounterMetricFamily(f"{_PREFIX}_{name}", text, value=sums[cell])

    def _requests(self, sums: Sequence[float]) -> Metric:
        family = CounterMetricFamily(
            f"{_PREFIX}_requests",
            "Inference requests that were answered.",
            labels=["code", "protocol"],
        )
        for protocol in PROTOCOLS:
            for status in STATUSES:
                count = sums[self.layout.request(protocol, status)]
                if count or status == 200:
                    family.add_metric([str(status), protocol], count)
        return family


def labels_of(options: Options) -> dict[str, str]:
    """Return what the `info` metric says of what is served."""
    return {
        "model": options.model_name,
        "version": options.version,
        "digest": options.digest,
    }


_COUNTERS = (
    ("degraded", "Answers made from defaults.", Layout.DEGRADED),
    ("events_sent", "Events that their receiver took.", Layout.EVENTS_SENT),
    ("events_dropped", "Events that were given up.", Layout.EVENTS_DROPPED),
)


def _histogram(
    name: str, text: str, bounds: Iterable[float], counts: Sequence[float], exemplars: Exemplars
) -> Metric:
    """Return a histogram of counts by bucket, which end with the bucket of infinity and the sum."""
    family = HistogramMetricFamily(f"{_PREFIX}_{name}", text)
    *buckets, total = counts
    points: list[Any] = []
    for place, (bound, count) in enumerate(
        zip([*bounds, float("inf")], accumulate(buckets), strict=True)
    ):
        kept = exemplars.get(place)
        shown = [] if kept is None or len(kept[0]) > _LONGEST_ID else [_exemplar(*kept)]
        label = "+Inf" if math.isinf(bound) else str(float(bound))
        points.append((label, count, *shown))
    family.add_metric([], points, total)
    return family


def _exemplar(request_id: str, seconds: float, when: float) -> Exemplar:
    return Exemplar({"request_id": request_id}, seconds, when)
