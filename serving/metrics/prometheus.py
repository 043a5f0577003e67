"""What the gateway and the predictors of a cluster counted, as its Prometheus keeps it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from serving.metrics.base import Sample
from serving.metrics.objectives import Objective
from serving.metrics.prometheus_api import PrometheusApi, Series
from serving.metrics.scraped import (
    EVERYTHING,
    bound_of,
    gateway_samples,
    once_a_pod,
    score_samples,
)

REQUESTS = "envoy_arms_request_bucket"
"""The gateway's histogram of requests by outcome."""
SCORES = "millrace_predictor_scores_total"
"""The predictors' counter of predictions by comparison bin."""
_PIECE = 300.0
"""Seconds of samples that are asked for at once."""
_LOG = structlog.get_logger("rollout")


class Raw(Protocol):
    """What `PrometheusApi` does."""

    def raw(self, selector: str, since: float, until: float) -> list[Series]:
        """Return the samples with since <= time <= until of all series that a selector names."""
        ...


class PrometheusSource:
    """Counts of arms in some namespaces; a MetricsSource.

    Only what the gateway counted at a route of the arm's workload in one of these namespaces is
    taken for the arm's: the header that names an arm is no proof of itself.
    """

    def __init__(
        self,
        api: Raw,
        namespaces: Sequence[str],
        objectives: Callable[[Sequence[str]], Mapping[str, Objective]],
    ) -> None:
        """Take what is asked.

        Args:
            api: Prometheus.
            namespaces: where arms and their routes are.
            objectives: gives the objective of each of some arms; raises MetricsError if it is not
                known.
        """
        self._api = api
        self._namespaces = namespaces
        self._objectives = objectives
        self._told: set[str] = set()

    def samples(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        """See MetricsSource."""
        objectives = self._objectives(arms)
        found: list[Sample] = []
        for low, high in _pieces(since, until):
            piece = self._gateway(objectives, low, high) + self._scores(arms, low, high)
            found += [one for one in piece if one.time > low or low == since]
        return sorted(found, key=lambda sample: sample.time)

    def _gateway(
        self, objectives: Mapping[str, Objective], since: float, until: float
    ) -> list[Sample]:
        workloads: dict[str, list[str]] = defaultdict(list)
        for arm in objectives:
            workloads[arm.rpartition("-v")[0]].append(arm)
        found: list[Sample] = []
        for workload, arms in workloads.items():
            held = {arm: objectives[arm] for arm in arms}
            series = self._api.raw(self._requests(workload, held), since, until)
            found += gateway_samples(self._once(series), held)
        return found

    def _scores(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        selector = _selector(SCORES, f"arm=~{_any(arms)}", f"namespace=~{_any(self._namespaces)}")
        return score_samples(self._once(self._api.raw(selector, since, until)), arms)

    def _requests(self, workload: str, objectives: Mapping[str, Objective]) -> str:
        """Return the selector of what was counted at a workload's routes."""
        name = re.escape(workload)
        spaces = "|".join(re.escape(one) for one in self._namespaces)
        routes = f"httproute/({spaces})/{name}/.+|grpcroute/({spaces})/{name}-grpc/.+"
        bounds = {bound_of(one) for one in objectives.values()} | {EVERYTHING}
        return _selector(
            REQUESTS,
            f"arm=~{_any(list(objectives))}",
            f"cluster=~{json.dumps(routes)}",
            # whoever may run pods beside the arms could count what no gateway saw
            f"namespace!~{_any(self._namespaces)}",
            f"le=~{_any([text for bound in sorted(bounds) for text in _spellings(bound)])}",
        )

    def _once(self, series: Sequence[Series]) -> list[Series]:
        found, twice = once_a_pod(series)
        for pod in twice:
            if pod not in self._told:
                _LOG.warning("scraped_twice", reason=f"{pod} is scraped twice; one is left out")
        self._told |= set(twice)
        return found


def open_prometheus(url: str, timeout: float) -> PrometheusApi:
    """Return the Prometheus at an address; what it warns of goes to the log, each once in a row.

    Raises:
        MetricsError: this is no URL of a server.
    """
    last = ""

    def tell(warning: str) -> None:
        nonlocal last
        if warning != last:
            _LOG.warning("prometheus_warned", reason=warning)
        last = warning

    return PrometheusApi(url, timeout, tell)


def _pieces(since: float, until: float) -> Iterator[tuple[float, float]]:
    low = since
    while low + _PIECE < until:
        yield low, low + _PIECE
        low += _PIECE
    yield low, until


def _selector(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join(matchers)}}}"


def _any(names: Sequence[str]) -> str:
    """Return a quoted pattern that matches each of these names and nothing else."""
    return json.dumps("|".join(re.escape(name) for name in names))


def _spellings(bound: float) -> list[str]:
    """Return how a bound may be written: Prometheus 3 writes 50 as 50.0."""
    return ["+Inf"] if bound == EVERYTHING else [f"{bound:g}", f"{bound:.1f}"]
