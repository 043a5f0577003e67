"""The controller's metrics as Prometheus reads them; labels are workloads and what is listed here.

A controller that is gone, or that does not turn, is seen by `millrace_rollout_look_age_seconds`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from millrace.analysis.judgement import Verdict
from millrace.release.documents import Phase
from serving.rollout.board import Board
from serving.rollout.status import RolloutStatus

_PREFIX = "millrace_rollout"
UNREADABLE = "unreadable"
"""The phase of a workload whose release folder cannot be read."""
_PHASES = (*get_args(Phase), UNREADABLE)
_VERDICTS = get_args(Verdict)
_NUMBERS = {
    "step": "Index of the present step; -1 before the first.",
    "steps": "How many steps there are.",
    "weight": "Percent of requests that the arm on trial gets by Git.",
    "blank": "Intervals in a row without data of both arms.",
}


class BoardMetrics:
    """Reads the board whenever somebody scrapes."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type, in the format that the `Accept` header prefers."""
        encode, content_type = choose_encoder(accept)
        # The encoders iterate over collect(), which is all that they need of a registry.
        return encode(self), content_type

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        statuses, turns = self._board.statuses(), self._board.turns()
        phases = {one.workload: one.phase or UNREADABLE for one in statuses}
        yield _state("phase", "Where a rollout is: 1 at its phase.", phases, _PHASES)
        verdicts = {one.workload: one.verdict for one in statuses}
        yield _state("verdict", "What the evidence says: 1 at its verdict.", verdicts, _VERDICTS)
        for name, text in _NUMBERS.items():
            yield _number(name, text, statuses)
        yield CounterMetricFamily(f"{_PREFIX}_rounds", "Turns of the loop.", value=turns.rounds)
        failures = CounterMetricFamily(
            f"{_PREFIX}_failures", "What failed, by what it was about.", labels=["kind"]
        )
        for kind, count in sorted(turns.failures.items()):
            failures.add_metric([kind], count)
        yield failures
        yield GaugeMetricFamily(
            f"{_PREFIX}_look_age_seconds",
            "Seconds since the deploy repository last answered.",
            value=turns.since_look,
        )


def _state(name: str, text: str, states: dict[str, str], known: tuple[str, ...]) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=["workload", name])
    for workload, state in states.items():
        for one in known:
            family.add_metric([workload, one], float(one == state))
    return family


def _number(name: str, text: str, statuses: list[RolloutStatus]) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=["workload"])
    for status in statuses:
        family.add_metric([status.workload], getattr(status, name))
    return family
