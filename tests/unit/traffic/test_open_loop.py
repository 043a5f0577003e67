import asyncio

import pytest
from traffic_servers import REQUEST, answer, answering, serving

from millrace.errors import ServingError
from serving.traffic.ledger import TrafficReport
from serving.traffic.open_loop import Plan, seconds_of, send_traffic

ANSWERED = answer("200 OK", b"{}", "x-model-version: 3")


def test_traffic_ends_by_itself_and_everything_is_counted() -> None:
    async def send() -> TrafficReport:
        async with serving(answering(ANSWERED)) as target:
            return await send_traffic(Plan(400, 0.5, seed=1), [REQUEST], target)

    report = asyncio.run(send())
    assert 120 < report.sent < 300
    assert report.answered == {"200": report.sent}
    assert report.rows == report.protocols["v2"] == report.sent
    assert report.seconds == pytest.approx(0.5, abs=0.02)
    assert report.arms["3"].latency.p99 is not None


def test_requests_go_on_while_nobody_answers() -> None:
    gate = asyncio.Event()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        writer.write(ANSWERED)

    async def send() -> TrafficReport:
        async with serving(late) as target:
            asyncio.get_running_loop().call_later(0.4, gate.set)
            return await send_traffic(Plan(200, 0.3, seed=1), [REQUEST], target)

    report = asyncio.run(send())
    assert report.sent > 30
    assert report.answered == {"200": report.sent}
    assert report.latency.longest > 50


def test_traffic_can_be_stopped_early() -> None:
    stop = asyncio.Event()

    async def send() -> TrafficReport:
        async with serving(answering(ANSWERED)) as target:
            asyncio.get_running_loop().call_later(0.1, stop.set)
            return await send_traffic(Plan(100, 3600), [REQUEST], target, stop=stop)

    report = asyncio.run(asyncio.wait_for(send(), 10))
    assert report.seconds < 5
    assert sum(report.answered.values()) == report.sent


def test_the_same_seed_gives_the_same_traffic() -> None:
    async def send() -> int:
        async with serving(answering(ANSWERED)) as target:
            report = await send_traffic(Plan(300, 0.2, seed=9), [REQUEST], target)
            return report.sent

    assert asyncio.run(send()) == asyncio.run(send())


@pytest.mark.parametrize(
    ("plan", "flag"),
    [
        (Plan(0, 1), "--rate"),
        (Plan(-1, 1), "--rate"),
        (Plan(1, 0), "--for"),
        (Plan(1, 1e9), "--for"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: Plan, flag: str) -> None:
    with pytest.raises(ServingError, match=flag):
        plan.check()


@pytest.mark.parametrize("rate", [float("nan"), float("inf")])
def test_a_rate_that_is_no_number_is_refused(rate: float) -> None:
    with pytest.raises(ServingError, match="--rate"):
        Plan(rate, 1).check()


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1.5m", 90), ("200ms", 0.2)])
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["30", "", "soon", "-1s"])
def test_a_duration_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ServingError, match=r"--for: is no duration; found .*; expected a number"):
        seconds_of(text)
