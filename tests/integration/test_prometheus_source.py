"""A real Prometheus gives the samples that a laptop's log would hold, and the same intervals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cluster_stand_ins import free_port, until
from tests.integration.exposing import exposing, prometheus, scrape_these

# isort: split
from envoy_pods import Ended, Pod, objectives

from millrace.analysis import Interval
from millrace.errors import MetricsError
from serving.local.counters import gateway_counters, score_counters
from serving.metrics import Sample
from serving.metrics.intervals import SplitSince, Tally
from serving.metrics.log import MetricsLog, Scrape
from serving.metrics.prometheus import PrometheusSource, open_prometheus

STABLE, CANARY = "churn-v7", "churn-v8"
GOOD = Ended(STABLE)
SLOW, BAD, TRIED = replace(GOOD, took=60), replace(GOOD, code="503"), replace(GOOD, attempts="2")
FOREIGN = replace(GOOD, arm=CANARY, cluster="httproute/theirs/churn/rule/0/backend/0")
LENGTH = 2.0


def on_trial(ended: Ended) -> Ended:
    return replace(ended, arm=CANARY)


@dataclass
class Pods:
    """Pods that a Prometheus scrapes, and what each of their pages said, by its number."""

    folder: Path
    url: str
    targets: Path
    stack: ExitStack
    pages: dict[float, tuple[str, dict[str, dict[str, float]]]] = field(default_factory=dict)
    labels: dict[int, dict[str, str]] = field(default_factory=dict)
    running: dict[str, tuple[int, ExitStack]] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    def start(self, pod: str, **labels: str) -> None:
        """Start the process of a pod; one of the same name comes back where it was."""
        port = self.running[pod][0] if pod in self.running else free_port()
        own = self.stack.enter_context(ExitStack())
        own.enter_context(exposing(self.folder / f"{pod}.page", port))
        self.running[pod] = (port, own)
        self.labels[port] = {"pod": pod, **labels}
        scrape_these(self.targets, self.labels)

    def stop(self, pod: str) -> None:
        self.running[pod][1].close()

    def gateway(self, pod: Pod) -> None:
        """Let a gateway's page say what it counted."""
        lines = [
            f"{dict(labels)['__name__']}{{{_text(labels)}}} {value}"
            for labels, value in pod.series().items()
        ]
        self._page(pod.name, lines, gateway_counters(_stats(pod), {STABLE: 0.05, CANARY: 0.05}))

    def predictor(self, pod: str, *scores: int) -> None:
        """Let a predictor's page say what it counted."""
        lines = [
            f'millrace_predictor_scores_total{{bin="{number}"}} {count}'
            for number, count in enumerate(scores)
        ]
        self._page(pod, lines, {CANARY: score_counters("\n".join(lines))})

    def _page(self, pod: str, lines: list[str], counters: dict[str, dict[str, float]]) -> None:
        number = float(len(self.pages))
        self.pages[number] = (pod, counters)
        new = self.folder / f"{pod}.new"
        new.write_text("\n".join([*lines, f"page_number {number}", ""]))
        new.replace(self.folder / f"{pod}.page")

    def seen(self) -> None:
        """Wait until every page was scraped, so that no other one takes its place unseen."""
        until(lambda: self.pages.keys() <= {number for _, number, _ in self.scrapes()}, str)

    def scrapes(self) -> list[tuple[float, float, str]]:
        """Return time, number of the page and pod of each scrape that there was."""
        api = open_prometheus(self.url, 10.0)
        return [
            (at, number, one.labels["pod"])
            for one in api.raw("page_number", self.began, time.time())
            for at, number in one.points
        ]

    def source(self) -> PrometheusSource:
        return PrometheusSource(open_prometheus(self.url, 10.0), ["models"], objectives)

    def log(self) -> MetricsLog:
        """Return the log that a laptop would have written of these scrapes."""
        written = MetricsLog(self.folder / "metrics.db")
        for at, number, pod in self.scrapes():
            said, counters = self.pages[number]
            assert said == pod
            for arm, values in counters.items():
                kind = "envoy/50ms" if "requests" in values else arm
                written.append([Scrape(at, arm, f"{kind}/{pod}/process", values)], at)
        return written


def _text(labels: tuple[tuple[str, str], ...]) -> str:
    return ",".join(f'{k}="{v}"' for k, v in labels if k not in ("__name__", "pod"))


def _stats(pod: Pod) -> list[dict[str, Any]]:
    """Return what Envoy's own JSON says of these counts, as a laptop's platform reads it."""
    details = [
        {
            "name": f"arms.request.cluster.{ended.arm}/http.code.{ended.code}.grpc.{ended.grpc}"
            f".attempts.{ended.attempts}.flags.{ended.flags}",
            "totals": [{"lower_bound": ended.took, "width": 1, "count": count}],
        }
        for ended, count in pod.counted.items()
        if ended.cluster != FOREIGN.cluster
    ]
    return [{"histograms": {"details": details}}]


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    targets = tmp_path / "targets.json"
    scrape_these(targets, {})
    with prometheus(tmp_path, targets) as url, ExitStack() as stack:
        yield Pods(tmp_path, url, targets, stack)


def a_while(pods: Pods) -> None:
    """Let pods serve, start again, and join."""
    first, second = Pod("envoy-a"), Pod("envoy-b")
    first.counted.update({GOOD: 1000, BAD: 40, on_trial(GOOD): 9, FOREIGN: 500})
    pods.gateway(first)
    pods.predictor("churn-v8-x", 0, 0, 0)
    pods.start("envoy-a")
    pods.start("churn-v8-x", namespace="models", arm=CANARY, workload="churn")
    pods.seen()
    for _ in range(3):
        first.counted.update({GOOD: 90, SLOW: 7, BAD: 1, on_trial(GOOD): 5, FOREIGN: 70})
        pods.gateway(first)
        pods.seen()
    first.counted.update({on_trial(TRIED): 3, on_trial(BAD): 2})
    pods.gateway(first)
    pods.seen()
    pods.predictor("churn-v8-x", 3, 0, 2)
    pods.seen()

    pods.stop("envoy-a")
    first.counted.clear()
    first.counted.update({GOOD: 11, on_trial(GOOD): 2})
    pods.gateway(first)
    pods.start("envoy-a")
    pods.seen()

    second.counted.update({GOOD: 100_000, on_trial(GOOD): 50_000})
    pods.gateway(second)
    pods.start("envoy-b")
    pods.seen()
    second.counted.update({GOOD: 20, on_trial(SLOW): 4})
    pods.gateway(second)
    pods.seen()


def intervals(samples: list[Sample], pods: Pods, upto: float) -> list[Interval]:
    tally = Tally(LENGTH)
    tally.feed(samples)
    splits = [SplitSince(pods.began - 60, 0.5)]
    return tally.intervals(splits, stable=STABLE, canary=CANARY, settling=0.0, until=upto)


def summed(samples: list[Sample]) -> dict[tuple[float, str, str, str], float]:
    """Return counters by time, arm, pod and name, summed over outcomes; without zeros."""
    found: dict[tuple[float, str, str, str], float] = {}
    for one in samples:
        pod = one.instance.removeprefix("envoy/50ms/").removeprefix(f"{one.arm}/").split("/")[0]
        key = (round(one.time, 3), one.arm, pod, one.counter)
        found[key] = found.get(key, 0.0) + one.value
    return {key: value for key, value in found.items() if value}


def test_a_cluster_is_judged_by_the_same_samples_and_intervals_as_a_laptop(pods: Pods) -> None:
    a_while(pods)
    now = max(at for at, _, _ in pods.scrapes())
    log, source = pods.log(), pods.source()
    there = source.samples([STABLE, CANARY], pods.began, now)
    kept = log.samples([STABLE, CANARY], pods.began, now)
    assert summed(there) == summed(kept)

    upto = now + LENGTH
    found = intervals(there, pods, upto)
    assert found == intervals(kept, pods, upto)
    assert sum(one.stable.requests for one in found) == 3 * 98 + 11 + 20
    assert sum(one.stable.errors for one in found) == 3
    assert sum(one.canary.requests for one in found) == 3 * 5 + 5 + 2 + 4
    assert sum(one.canary.errors for one in found) == 5
    assert sum(one.canary.slow for one in found) == 4
    assert [sum(counts) for counts in zip(*(one.canary.scores for one in found), strict=True)] == [
        3,
        0,
        2,
    ]


def test_samples_that_are_asked_for_bit_by_bit_are_the_same(pods: Pods) -> None:
    first = Pod("envoy-a")
    first.counted.update({GOOD: 1, on_trial(GOOD): 1})
    pods.gateway(first)
    pods.start("envoy-a")
    pods.seen()
    for _ in range(2):
        first.counted[GOOD] += 10
        pods.gateway(first)
        pods.seen()
    source, now = pods.source(), max(at for at, _, _ in pods.scrapes())
    whole = source.samples([STABLE, CANARY], pods.began, now)
    low, bits = pods.began, []
    while low < now:
        high = min(low + 0.7, now)
        some = source.samples([STABLE, CANARY], low, high)
        bits += [one for one in some if one.time > low]
        low = high
    assert bits == whole
    assert whole


def test_a_prometheus_that_is_gone_is_told_with_its_address() -> None:
    gone = PrometheusSource(
        open_prometheus(f"http://eve:s3cret@127.0.0.1:{free_port()}", 1.0), ["models"], objectives
    )
    with pytest.raises(MetricsError, match=r"http://127\.0\.0\.1:\d+/api/v1/query") as raised:
        gone.samples([STABLE], 0.0, 1.0)
    assert "s3cret" not in str(raised.value)
