"""From series as Prometheus keeps them to samples of the counters of arms.

Envoy's counts are many series, one an outcome and bound. Each outcome is an instance of its own, in
the place of the pod that counted it: so one that Envoy has only from some time on counts from 0,
one that is missing for a scrape or for ever takes nothing back, and a pod that started again counts
anew, each as `serving.metrics.intervals` does for all instances. Sums of outcomes could tell none
of these apart.

A pod is a place of its own, too. One that nobody saw before may have counted for days: its first
scrape is where counting begins.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from millrace.digests import digest_of_bytes
from millrace.errors import MetricsError
from serving.metrics.base import Sample
from serving.metrics.objectives import Objective
from serving.metrics.outcomes import BOUNDS, outcome_of
from serving.metrics.prometheus_api import Series

EVERYTHING = math.inf
"""The bound below which every answer is."""
_TARGET = (
    *("namespace", "pod", "node", "job", "instance", "container", "endpoint", "service"),
    *("prometheus", "prometheus_replica", "replica"),
)
"""Labels that a scrape adds: they tell who was scraped, and by whom."""
_OUTCOME = ("code", "grpc", "attempts", "flags")


def bound_of(objective: Objective) -> float:
    """Return the bound in milliseconds below which answers are fast: the objective's or the next.

    Beyond the last one nothing is known: every answer is fast.
    """
    index = bisect_left(BOUNDS, round(objective.seconds * 1000, 6))
    return float(BOUNDS[index]) if index < len(BOUNDS) else EVERYTHING


def gateway_samples(found: Sequence[Series], objectives: Mapping[str, Objective]) -> list[Sample]:
    """Return `requests`, `errors` and `fast` of each arm, from buckets of Envoy's histogram.

    Args:
        found: buckets at the bounds of the objectives and at +Inf; they are cumulative.
        objectives: by arm; others are left out.

    Raises:
        MetricsError: Envoy does not count answers below the bound of an objective.
    """
    outcomes: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for one in found:
        arm = one.labels.get("arm", "")
        if arm in objectives and one.points:
            outcomes[arm, _instance(one, "arm", "le")].append(one)
    samples: list[Sample] = []
    for (arm, instance), buckets in outcomes.items():
        objective = objectives[arm]
        place = f"envoy/{objective.series}/{instance}"
        samples += _outcome_samples(arm, place, buckets, bound_of(objective))
    return samples


def score_samples(found: Sequence[Series], arms: Iterable[str]) -> list[Sample]:
    """Return `score/K` of each arm, as its predictors count them."""
    known = set(arms)
    return [
        Sample(
            time,
            one.labels["arm"],
            f"{one.labels['arm']}/{_instance(one, 'arm', 'bin')}",
            f"score/{one.labels['bin']}",
            value,
        )
        for one in found
        if one.labels.get("arm") in known and one.labels.get("bin", "").isdecimal()
        for time, value in one.points
    ]


def once_a_pod(found: Sequence[Series]) -> tuple[list[Series], list[str]]:
    """Return series so that no pod is counted twice, and the pods that were scraped twice.

    Two scrapes of a pod tell the same counters under other labels, such as another job.
    """
    targets: dict[str, set[str]] = defaultdict(set)
    for one in found:
        targets[_pod(one)].add(_target(one))
    chosen = {pod: min(there) for pod, there in targets.items()}
    twice = sorted(pod for pod, there in targets.items() if len(there) > 1)
    return [one for one in found if _target(one) == chosen[_pod(one)]], twice


def _outcome_samples(
    arm: str, instance: str, buckets: Sequence[Series], bound: float
) -> Iterator[Sample]:
    """Give the samples of one outcome in one pod; its buckets share the times of scrapes."""
    counts: dict[float, dict[float, float]] = defaultdict(dict)
    for bucket in buckets:
        counts[_bound(bucket)].update(bucket.points)
    if bound not in counts:
        raise MetricsError(
            f"the gateway does not count answers below {bound:g} ms",
            where=f"Envoy's histogram of {arm}",
            found="buckets of other bounds",
            remedy="give the gateway the bounds of the chart (histogram_bucket_settings)",
        )
    outcome = outcome_of(*(buckets[0].labels.get(name, "") for name in _OUTCOME))
    for time, total in counts[EVERYTHING].items():
        below = counts[bound].get(time)
        if below is not None:
            for counter, value in outcome.counted(below, max(total - below, 0.0)).items():
                yield Sample(time, arm, instance, counter, value)


def _bound(bucket: Series) -> float:
    try:
        return float(bucket.labels["le"])
    except (KeyError, ValueError):
        return math.nan


def _pod(one: Series) -> str:
    pod = one.labels.get("pod") or one.labels.get("instance", "")
    return f"{one.labels.get('namespace', '')}:{pod}"


def _target(one: Series) -> str:
    return json.dumps([one.labels.get(name, "") for name in _TARGET])


def _instance(one: Series, *without: str) -> str:
    """Return `POD/TARGET/REST`: whoever counted, and what tells this series from its others."""
    pod = one.labels.get("pod") or one.labels.get("instance", "")
    target = digest_of_bytes(_target(one).encode())[:8]
    foreign = {"__name__", *_TARGET, *without}
    rest = ",".join(f"{k}={v}" for k, v in sorted(one.labels.items()) if k not in foreign)
    return f"{pod}/{target}/{rest.replace('/', '.')}"
