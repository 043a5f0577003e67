"""What Envoy counts of an arm, as samples: once a request, and no fault is hidden by a retry."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from stand_ins import Running, a_gateway, one_host, stand_in, until

from serving.local.counters import PATTERN, gateway_counters, score_counters
from serving.local.splits import Endpoint, GatewayConfig

ARM = "pumps-v1"
NOWHERE = Endpoint(1, 2)

Ask = Callable[[Running], Any]


async def counters(running: Running) -> dict[str, float]:
    stats = await running.gateway.stats(PATTERN, histograms=True)
    return gateway_counters(stats, {ARM: 0.05})[ARM]


def expect(folder: Path, ask: Ask, *, dead: bool = False, **expected: float) -> None:
    """Ask a gateway once or more, and wait until these are its counters."""

    async def test() -> None:
        with stand_in() as endpoint:
            arms = {ARM: (NOWHERE if dead else endpoint,)}
            async with a_gateway(folder, GatewayConfig(arms, (one_host(**{ARM: 100}),))) as running:
                await asyncio.to_thread(ask, running)

                async def counted() -> bool:
                    found = await counters(running)
                    return {name: found[name] for name in expected} == expected

                await until(counted)

    asyncio.run(test())


def test_answers_are_requests_and_a_clients_faults_are_no_errors(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        for path in ("/", "/code/404", "/code/429"):
            running.get(path)
        for status in ("OK", "NOT_FOUND", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"):
            assert running.call(status) == status

    expect(tmp_path, ask, requests=7, errors=0, fast=7)


def test_a_servers_faults_are_errors_over_both_protocols(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        for path in ("/code/500", "/code/503", "/"):
            running.get(path)
        for status in ("INTERNAL", "UNAVAILABLE", "UNKNOWN", "OK"):
            assert running.call(status) == status

    expect(tmp_path, ask, requests=7, errors=5)


def test_an_answer_that_takes_the_objective_or_longer_is_not_fast(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        for path in ("/", "/slow/60", "/slow/200"):
            running.get(path)

    expect(tmp_path, ask, requests=3, errors=0, fast=1)


def test_a_request_without_an_answer_in_time_is_an_error_and_not_fast(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        assert running.get("/slow/3000")[0] == 504

    expect(tmp_path, ask, requests=1, errors=1, fast=0)


def test_a_retry_hides_a_fault_from_the_client_but_not_from_the_counters(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        assert running.get(f"/break/{uuid4()}")[0] == 200

    expect(tmp_path, ask, requests=1, errors=1)


def test_a_dead_arm_counts_one_error_a_request_over_both_protocols(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        status, body = running.get("/")
        assert status in (503, 504)
        assert body.startswith(b'{"error":')
        assert running.call("OK") == "UNAVAILABLE"

    expect(tmp_path, ask, dead=True, requests=2, errors=2)


def test_a_client_that_gives_up_counts_only_if_it_waited_for_the_objective(tmp_path: Path) -> None:
    def ask(running: Running) -> None:
        running.give_up("/slow/500", after=0.01)
        running.give_up("/slow/500", after=0.2)

    expect(tmp_path, ask, requests=1, errors=1, fast=0)


def test_a_client_that_gives_up_on_a_dead_arm_counts_as_an_error_however_soon(
    tmp_path: Path,
) -> None:
    expect(tmp_path, lambda one: one.give_up("/", after=0.3), dead=True, requests=1, errors=1)


def histogram(cluster: str, *, code: int = 200, flags: str = "-", **bins: int) -> dict[str, Any]:
    name = f"arms.request.cluster.{cluster}.code.{code}.grpc..attempts.1.flags.{flags}"
    totals = [{"lower_bound": int(lower[1:]), "width": 1, "count": n} for lower, n in bins.items()]
    return {"histograms": {"details": [{"name": name, "totals": totals}]}}


def test_other_arms_are_left_out_and_arms_without_requests_have_zeros() -> None:
    stats = [histogram("pumps-v9/http", _1=4), histogram("", code=404, _1=4)]
    assert gateway_counters(stats, {ARM: 0.05}) == {ARM: {"requests": 0, "errors": 0, "fast": 0}}


def test_an_answer_that_breaks_off_is_an_error() -> None:
    found = gateway_counters([histogram(f"{ARM}/http", flags="UC", _1=3)], {ARM: 0.05})[ARM]
    assert (found["requests"], found["errors"]) == (3, 3)


def test_the_objective_itself_is_not_fast_any_more() -> None:
    stats = [histogram(f"{ARM}/http", _49=3, _50=2)]
    assert gateway_counters(stats, {ARM: 0.05})[ARM]["fast"] == 3
    assert gateway_counters(stats, {ARM: 0.051})[ARM]["fast"] == 5


@pytest.mark.parametrize("labels", ['bin="3"', 'protocol="v2",bin="3"', 'bin="3",x="y"'])
def test_scores_are_read_from_a_predictors_page(labels: str) -> None:
    page = (
        "# TYPE millrace_predictor_scores_total counter\n"
        f"millrace_predictor_scores_total{{{labels}}} 7.0\n"
        "millrace_predictor_scores_created 1.0\n"
    )
    assert score_counters(page) == {"score/3": 7.0}
