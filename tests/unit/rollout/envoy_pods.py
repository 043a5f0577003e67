"""Pods that count requests as Envoy does, and a Prometheus in memory that scrapes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from serving.metrics.objectives import Objective
from serving.metrics.outcomes import BOUNDS
from serving.metrics.prometheus import REQUESTS
from serving.metrics.prometheus_api import Series

OBJECTIVE = Objective(0.05, "50ms")
ROUTE = "httproute/models/churn/rule/0/backend/0"


@dataclass(frozen=True)
class Ended:
    """How a request ended."""

    arm: str = "churn-v7"
    code: str = "200"
    grpc: str = ""
    attempts: str = "1"
    flags: str = "-"
    took: float = 10.0
    cluster: str = ROUTE


@dataclass
class Pod:
    """One Envoy."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    counted: Counter[Ended] = field(default_factory=Counter)

    def series(self) -> dict[tuple[tuple[str, str], ...], float]:
        """Return the buckets of its histogram, by labels."""
        found: dict[tuple[tuple[str, str], ...], float] = defaultdict(float)
        for ended, count in self.counted.items():
            told = {k: v for k, v in vars(ended).items() if k != "took"}
            for bound in (*map(float, BOUNDS), float("inf")):
                le = "+Inf" if bound == float("inf") else f"{bound:g}"
                labels = {"__name__": REQUESTS, "pod": self.name, **self.labels, **told, "le": le}
                found[tuple(sorted(labels.items()))] += count * (ended.took < bound)
        return found


class Scrapes:
    """What was scraped; answers as `PrometheusApi.raw` does, of all that there is."""

    def __init__(self) -> None:
        self._points: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = defaultdict(
            list
        )
        self.selectors: list[str] = []

    def scrape(self, time: float, *pods: Pod) -> None:
        for pod in pods:
            for labels, value in pod.series().items():
                self._points[labels].append((time, value))

    def raw(self, selector: str, since: float, until: float) -> list[Series]:
        self.selectors.append(selector)
        if not selector.startswith(REQUESTS):
            return []
        return [
            Series(dict(labels), inside)
            for labels, points in self._points.items()
            if (inside := [point for point in points if since <= point[0] <= until])
        ]


def objectives(arms: Sequence[str]) -> dict[str, Objective]:
    return dict.fromkeys(arms, OBJECTIVE)
