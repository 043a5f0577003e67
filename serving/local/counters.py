"""What Envoy and the predictors say of themselves, as the counters of arms.

Envoy counts a request once, when it is over, by its outcome and with its time (`envoy_config`): not
the tries of the gateway, but what a client met with. It is an error of the arm if the answer says
that the server failed (5xx; gRPC statuses that OpenTelemetry counts as the server's), if there was
none, or if the arm failed a try and a later one succeeded: a retry hides a fault from the client,
not from the analysis. A client that gives up within the objective is nobody's fault and counts
nothing; one that gives up later, or after a failed try, counts as an error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from serving.local.envoy_config import COUNTS
from serving.metrics.log import PRIVATE

PATTERN = rf"^{COUNTS}\.request\."
"""Names of the statistics of Envoy that are read."""
SERVER_FAULTS = {2, 4, 12, 13, 14, 15}
"""gRPC: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS."""
BOUNDS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000)
"""Milliseconds below which answers are counted for people to look at: `_below/MS`."""

_GAVE_UP = {"DC", "DR"}
"""Envoy's flags of a request whose client went away."""
_NO_ANSWER = {"UC", "UF", "UH", "UO", "UR", "UT", "UPE", "URX", "LR", "NC"}
"""Envoy's flags of a request that the arm did not answer, or not to the end."""
_NAME = re.compile(
    rf"{COUNTS}\.request\.cluster\.(?P<arm>.+)/(?:http|grpc)\.code\.(?P<code>\d*)"
    r"\.grpc\.(?P<grpc>\d*)\.attempts\.(?P<attempts>\d*)\.flags\.(?P<flags>.*)"
)
_SCORES = re.compile(
    r'^millrace_predictor_scores_total\{(?:[^}]*,)?bin="(\d+)"[^}]*\} (\S+)', re.MULTILINE
)


@dataclass(frozen=True)
class _Outcome:
    """How some requests of an arm ended."""

    error: bool
    gave_up: bool
    """Their clients went away, though the arm had failed no try."""


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
                _add(counted[match["arm"]], _outcome(match), histogram["totals"], objective)
    return {arm: dict(counters) for arm, counters in counted.items()}


def score_counters(page: str) -> dict[str, float]:
    """Return `score/K` for each bin of a predictor's metrics page, in Prometheus' text format."""
    return {f"score/{number}": float(value) for number, value in _SCORES.findall(page)}


def _outcome(match: re.Match[str]) -> _Outcome:
    flags = set(match["flags"].split(","))
    failed_before = int(match["attempts"] or 0) > 1
    gave_up = bool(flags & _GAVE_UP) and not failed_before
    failed = (
        int(match["code"] or 0) >= 500
        or (match["grpc"] != "" and int(match["grpc"]) in SERVER_FAULTS)
        or bool(flags & _NO_ANSWER)
    )
    return _Outcome(failed or failed_before or gave_up, gave_up)


def _add(
    counters: dict[str, float],
    outcome: _Outcome,
    bins: Iterable[Mapping[str, float]],
    objective: float,
) -> None:
    """Add requests of one outcome, whose times lie in bins, to the counters of their arm."""
    for one in bins:
        count, slow = one["count"], one["lower_bound"] >= objective
        if outcome.gave_up and not slow:
            continue
        counters["requests"] += count
        counters["errors"] += count * outcome.error
        counters["fast"] += count * (not slow)
        for bound in BOUNDS:
            if one["lower_bound"] + one["width"] <= bound:
                counters[f"{PRIVATE}below/{bound}"] += count
