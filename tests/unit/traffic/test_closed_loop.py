import asyncio

from traffic_servers import REQUEST, answer, answering, serving

from serving.traffic.closed_loop import Load, Outcome, run


def test_a_closed_loop_counts_every_answer() -> None:
    async def load() -> Outcome:
        async with serving(answering(answer(), answer("503 Busy"))) as target:
            return await run(Load(target.port, [REQUEST.content], connections=3, seconds=0.3))

    outcome = asyncio.run(load())
    assert outcome.answered.keys() == {200, 503}
    figures = outcome.as_dict()
    assert figures["count"] == outcome.answered.total() == len(outcome.latencies) > 10
    assert figures["rate"] > 0
    assert figures["p50"] <= figures["p95"] <= figures["p99"]


def test_a_rate_bounds_the_requests() -> None:
    async def load() -> Outcome:
        async with serving(answering(answer())) as target:
            requests = [REQUEST.content]
            return await run(Load(target.port, requests, connections=3, seconds=0.3, rate=100))

    assert 0 < asyncio.run(load()).answered.total() < 40


def test_a_connection_that_ends_is_replaced() -> None:
    async def load() -> Outcome:
        once = answering(answer("200 OK", b"{}", "connection: close"))
        async with serving(once) as target:
            return await run(Load(target.port, [REQUEST.content], connections=2, seconds=0.2))

    assert asyncio.run(load()).answered[200] > 4


def test_a_specification_survives_its_journey_to_the_process() -> None:
    load = Load(81, [b"\0\xff", b"two"], "grpc", 3, 1.5, 0, 20.0)
    assert Load.of_json(load.as_json()) == load
