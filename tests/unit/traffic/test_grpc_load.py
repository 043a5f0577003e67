import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from serving.predictor.oip_messages import ModelInferRequest, ModelInferResponse
from serving.traffic.closed_loop import Load, Outcome, run
from serving.traffic.grpc_connection import GrpcConnection
from serving.traffic.grpc_sender import GrpcSender
from serving.traffic.ledger import Ledger
from serving.traffic.mix import Request
from serving.traffic.target import Target

Method = Callable[[bytes, Any], Awaitable[bytes]]
MESSAGE: bytes = ModelInferRequest(model_name="m", id="x" * 300).SerializeToString()
ANSWER: bytes = ModelInferResponse(model_name="m", model_version="7").SerializeToString()
INFER = "/inference.GRPCInferenceService/ModelInfer"


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, method: Method) -> None:
        self._method = method

    def service(self, details: Any) -> Any:
        known = details.method == INFER
        return grpc.unary_unary_rpc_method_handler(self._method) if known else None


@contextlib.asynccontextmanager
async def serving_grpc(method: Method) -> AsyncIterator[int]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([_Handlers(method)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def echo_version(content: bytes, _: Any) -> bytes:
    assert ModelInferRequest.FromString(content).model_name == "m"
    return ANSWER


async def refuse(_: bytes, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "busy", (("x-model-version", "7"),))
    raise AssertionError


def test_a_closed_loop_over_grpc_counts_every_answer() -> None:
    async def load() -> Outcome:
        async with serving_grpc(echo_version) as port:
            return await run(Load(port, [MESSAGE], "grpc", connections=4, seconds=0.3))

    outcome = asyncio.run(load())
    assert outcome.answered["OK"] > 10
    assert outcome.answered.keys() == {"OK"}
    figures = outcome.as_dict()
    assert figures["count"] == outcome.answered["OK"]
    assert 0 < figures["p50"] <= figures["p99"]


def test_a_refused_call_has_no_message() -> None:
    async def load() -> Outcome:
        async with serving_grpc(refuse) as port:
            return await run(Load(port, [MESSAGE], "grpc", connections=2, seconds=0.1))

    outcome = asyncio.run(load())
    assert outcome.answered.keys() == {"LOST"}
    assert outcome.as_dict()["count"] == 0


def test_messages_larger_than_a_frame_and_the_first_window_arrive_whole() -> None:
    sizes = [0, 20_000, 300_000, 5]
    heard: list[int] = []

    async def measure(content: bytes, _: Any) -> bytes:
        heard.append(len(content))
        return ANSWER

    async def call() -> list[bool]:
        loop = asyncio.get_running_loop()
        async with serving_grpc(measure) as port, asyncio.timeout(10):
            _, connection = await loop.create_connection(
                lambda: GrpcConnection("m"), "127.0.0.1", port
            )
            ended = []
            for size in sizes:
                done: asyncio.Future[bool] = loop.create_future()
                connection.call(b"m" * size, done.set_result)
                ended.append(await done)
            connection.close()
            return ended

    assert asyncio.run(call()) == [True] * len(sizes)
    assert heard == sizes


def test_calls_end_when_the_server_goes_away() -> None:
    async def wait(_: bytes, __: Any) -> bytes:
        await asyncio.sleep(60)
        return ANSWER

    async def call() -> bool:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        async with serving_grpc(wait) as port:
            _, connection = await loop.create_connection(
                lambda: GrpcConnection("m"), "127.0.0.1", port
            )
            connection.call(MESSAGE, done.set_result)
        async with asyncio.timeout(10):
            return await done

    assert asyncio.run(call()) is False


async def sent(port: int, wait: float = 10.0) -> Ledger:
    ledger = Ledger()
    sender = GrpcSender(Target("127.0.0.1", port, "m"), ledger, wait)
    sender.send(Request("grpc", MESSAGE, 1), time.perf_counter())
    async with asyncio.timeout(20):
        while sender.unanswered:
            await asyncio.sleep(0.001)
    await sender.close()
    return ledger


@pytest.mark.parametrize(("method", "code"), [(echo_version, "OK"), (refuse, "UNAVAILABLE")])
def test_an_ordinary_call_is_counted_by_code_and_arm(method: Method, code: str) -> None:
    async def call() -> Ledger:
        async with serving_grpc(method) as port:
            return await sent(port)

    ledger = asyncio.run(call())
    assert ledger.answered == {code: 1}
    assert ledger.report("").arms.keys() == {"7"}
    assert not ledger.lost


def test_a_call_to_nobody_is_lost() -> None:
    async def call() -> Ledger:
        async with serving_grpc(echo_version) as port:
            pass
        return await sent(port)

    assert asyncio.run(call()).lost == {"no connection": 1}


def test_a_call_without_an_answer_in_time_is_lost() -> None:
    async def wait(_: bytes, __: Any) -> bytes:
        await asyncio.sleep(60)
        return ANSWER

    async def call() -> Ledger:
        async with serving_grpc(wait) as port:
            return await sent(port, wait=0.1)

    assert asyncio.run(call()).lost == {"no answer in time": 1}
