"""What Envoy and the predictors say of themselves, as the counters of arms.

Envoy counts a request once, when it is over, by its outcome and with its time (`envoy_config`): not
the tries of the gateway, but what a client met with. What that says of the arm is told in
`serving.metrics.outcomes`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from serving.local.envoy_config import COUNTS
from serving.metrics.log import PRIVATE
from serving.metrics.outcomes import BOUNDS, Outcome, outcome_of

PATTERN = rf"^{COUNTS}\.request\."
"""Names of the statistics of Envoy that are read."""

_NAME = re.compile(
    rf"{COUNTS}\.request\.cluster\.(?P<arm>.+)/(?:http|grpc)\.code\.(?P<code>\d*)"
    r"\.grpc\.(?P<grpc>\d*)\.attempts\.(?P<attempts>\d*)\.flags\.(?P<flags>.*)"
)
_SCORES = re.compile(
    r'^millrace_predictor_scores_total\{(?:[^}]*,)?bin="(\d+)"[^}]*\} (\S+)', re.MULTILINE
)


def gateway_counters(
    stats: Iterable[Mapping[str, Any]], objectives: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Return the counters of each arm as Envoy has them.

    Args:
        stats: Envoy's statistics with histograms in detail, as its JSON lists them.
        objectives: the time within which each arm shall answer, in seconds; other arms are left
            out.

    Returns:
        By arm: `requests`, `errors`, `fast`, and `_below/MS` for people. Times are whole
        milliseconds from the first byte of the request to the last of the answer, with every
        retry. Envoy keeps two significant digits of them: an objective with more is rounded up to
        the next bin's bound.
    """
    counted: dict[str, dict[str, float]] = {
        arm: defaultdict(float, requests=0.0, errors=0.0, fast=0.0) for arm in objectives
    }
    for entry in stats:
        for histogram in entry.get("histograms", {}).get("details", []):
            match = _NAME.fullmatch(histogram["name"])
            if match and match["arm"] in objectives:
                objective = objectives[match["arm"]] * 1000
                outcome = outcome_of(*match.group("code", "grpc", "attempts", "flags"))
                _add(counted[match["arm"]], outcome, histogram["totals"], objective)
    return {arm: dict(counters) for arm, counters in counted.items()}


def score_counters(page: str) -> dict[str, float]:
    """Return `score/K` for each bin of a predictor's metrics page, in Prometheus' text format."""
    return {f"score/{number}": float(value) for number, value in _SCORES.findall(page)}


def _add(
    counters: dict[str, float],
    outcome: Outcome,
    bins: Iterable[Mapping[str, float]],
    objective: float,
) -> None:
    """Add requests of one outcome, whose times lie in bins, to the counters of their arm."""
    for one in bins:
        count, slow = one["count"], one["lower_bound"] >= objective
        if outcome.gave_up and not slow:
            continue
        for name, amount in outcome.counted(count * (not slow), count * slow).items():
            counters[name] += amount
        for bound in BOUNDS:
            if one["lower_bound"] + one["width"] <= bound:
                counters[f"{PRIVATE}below/{bound}"] += count
