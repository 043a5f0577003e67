"""What arms did lately, from the log of counters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from cli.status.facts import Traffic
from serving.metrics.log import PRIVATE, MetricsLog, Scrape
from serving.metrics.outcomes import BOUNDS

WINDOW_SECONDS = 30.0


def recent_traffic(log: MetricsLog, arms: Sequence[str], now: float) -> dict[str, Traffic]:
    """Return what some arms did within the last half minute.

    Raises:
        MetricsError: the log cannot be read.
    """
    scrapes = log.scrapes(arms, now - WINDOW_SECONDS, now)
    return {arm: traffic_of([one for one in scrapes if one.arm == arm]) for arm in arms}


def traffic_of(scrapes: Sequence[Scrape]) -> Traffic:
    """Return the traffic of one arm's scrapes, in order of time."""
    grown: defaultdict[str, float] = defaultdict(float)
    by_instance: defaultdict[str, list[Scrape]] = defaultdict(list)
    for one in scrapes:
        by_instance[one.instance].append(one)
    for series in by_instance.values():
        for before, after in pairwise(series):
            for counter, value in after.counters.items():
                last = before.counters.get(counter, 0.0)
                grown[counter] += value - (last if value >= last else 0.0)
    seconds = scrapes[-1].time - scrapes[0].time if scrapes else 0.0
    requests = grown["requests"]
    below = {bound: grown[f"{PRIVATE}below/{bound}"] for bound in BOUNDS}
    return Traffic(
        requests_per_second=requests / seconds if seconds else 0.0,
        errors=grown["errors"] / requests if requests else None,
        slow=max(0.0, requests - grown["fast"]) / requests if requests else None,
        p50=_quantile(below, requests, 0.5),
        p99=_quantile(below, requests, 0.99),
    )


def _quantile(below: dict[int, float], requests: float, share: float) -> float | None:
    """Return the bound, in seconds, below which a share of the answers took; None beyond all."""
    if not requests:
        return None
    return next((bound / 1000 for bound, count in below.items() if count >= share * requests), None)
