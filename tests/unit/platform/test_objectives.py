"""Arms are held to one objective; another one begins counting anew and makes up no request."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.local import scrape
from serving.local.scrape import Scraped, Scraper
from serving.local.state import ArmState
from serving.metrics.intervals import SplitSince, Tally
from serving.metrics.log import MetricsLog
from serving.metrics.objectives import Objectives

STABLE, CANARY = "pumps-v9", "pumps-v10"


def arm(version: int, latency: float, workload: str = "pumps") -> ArmState:
    return ArmState(
        name=f"{workload}-v{version}",
        workload=workload,
        version=str(version),
        digest="d" * 64,
        latency=latency,
        phase="ready",
    )


def test_arms_that_are_compared_are_held_to_the_same_objective() -> None:
    arms = [arm(10, 0.02), arm(9, 0.05), arm(1, 0.1, "flights")]
    found = {name: one.seconds for name, one in Objectives().of(arms).items()}
    assert found == {CANARY: 0.02, STABLE: 0.02, "flights-v1": 0.1}


@given(st.lists(st.sampled_from([0.02, 0.05, 0.0705]), min_size=2, max_size=8))
def test_every_change_of_the_objective_begins_a_series_that_was_not_there_before(
    latencies: list[float],
) -> None:
    objectives = Objectives()
    series = [objectives.of([arm(9, one)])[STABLE].series for one in latencies]
    for number in range(1, len(series)):
        if latencies[number] == latencies[number - 1]:
            assert series[number] == series[number - 1]
        else:
            assert series[number] not in series[:number]


class Gateway:
    """An Envoy that has answered so many requests, by how long they took in milliseconds."""

    def __init__(self) -> None:
        self.answered: dict[int, int] = {}

    async def stats(self, _pattern: str, *, histograms: bool) -> list[dict[str, Any]]:
        assert histograms
        return [
            {
                "histograms": {
                    "details": [
                        {
                            "name": f"arms.request.cluster.{name}/http.code.200.grpc."
                            ".attempts.1.flags.-",
                            "totals": [
                                {"lower_bound": took, "width": 1, "count": count}
                                for took, count in self.answered.items()
                            ],
                        }
                        for name in (STABLE, CANARY)
                    ]
                }
            }
        ]


def counted(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: list[tuple[float, Mapping[int, int]]],
) -> list[tuple[int, int]]:
    """Return requests and slow answers of the canary in each interval of ten seconds.

    Args:
        folder: an empty folder.
        monkeypatch: sets the clock.
        seconds: second by second, the objective and the requests that were answered.
    """
    now = 100.0
    gateway, log = Gateway(), MetricsLog(folder / "metrics.db")
    arms: list[ArmState] = []
    scraper = Scraper(
        gateway,  # type: ignore[arg-type]
        log,
        lambda: Scraped(arms, "4711-1.00"),
        lambda _event, line: pytest.fail(line),
    )
    monkeypatch.setattr(scrape.time, "time", lambda: now)
    for latency, answered in seconds:
        now += 1
        arms[:] = [arm(9, 0.05), arm(10, latency)]
        for took, count in answered.items():
            gateway.answered[took] = gateway.answered.get(took, 0) + count
        asyncio.run(scraper.scrape())
    tally = Tally(10.0)
    tally.feed(log.samples([STABLE, CANARY], 0, now))
    splits = [SplitSince(0.0, 0.5)]
    found = tally.intervals(splits, stable=STABLE, canary=CANARY, settling=0.0, until=now)
    return [(one.canary.requests, one.canary.slow) for one in found if one.start >= 100]


def test_another_objective_makes_up_no_requests_and_no_slow_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many: list[tuple[float, Mapping[int, int]]] = [(0.05, {10: 900, 60: 100})]
    quiet: Mapping[int, int] = {}
    life = many + [(latency, quiet) for latency in [0.05] * 9 + [0.1] * 10 + [0.05] * 10]
    assert counted(tmp_path, monkeypatch, life) == [(0, 0)] * 3


def test_requests_are_judged_by_the_objective_that_holds_when_they_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = [(latency, {10: 9, 60: 1}) for latency in [0.05] * 10 + [0.1] * 10 + [0.05] * 10]
    # at each beginning, the second in which it begins is not counted
    assert counted(tmp_path, monkeypatch, life) == [(90, 9), (90, 0), (90, 9)]
