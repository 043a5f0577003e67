"""gRPC is answered in threads beside the event loop: nothing is miscounted, lost or stuck."""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from serving.predictor.oip_messages import SERVICE, ModelInferRequest, ModelInferResponse
from tests.integration.predictors import MODEL, Predictor, make_bundle, predictor, row, wait_for

CLIENTS, CALLS = 6, 40
INFER = f"/{SERVICE}/ModelInfer"


def message(pressure: float) -> bytes:
    inputs = [
        ("pressure", "FP32", {"fp32_contents": [pressure]}),
        ("site", "BYTES", {"bytes_contents": [b"other"]}),
    ]
    content: bytes = ModelInferRequest(
        model_name=MODEL,
        inputs=[
            {"name": name, "datatype": datatype, "shape": [1, 1], "contents": contents}
            for name, datatype, contents in inputs
        ],
    ).SerializeToString()
    return content


def prediction(answer: bytes) -> float:
    told = ModelInferResponse.FromString(answer)
    return float(told.outputs[0].contents.fp32_contents[0])


def test_calls_at_once_get_their_own_answers_and_are_all_counted(tmp_path: Path) -> None:
    with predictor(make_bundle(tmp_path / "pumps"), tmp_path) as running:

        def call(client: int) -> list[float]:
            with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
                infer = channel.unary_unary(INFER)
                return [prediction(infer(message(client), timeout=20)) for _ in range(CALLS)]

        def ask(_: int) -> list[int]:
            path = f"/v2/models/{MODEL}/infer"
            return [running.ask(path, row(0.0)).status for _ in range(CALLS)]

        with ThreadPoolExecutor(2 * CLIENTS) as clients:
            others = clients.map(ask, range(CLIENTS))
            for client, found in enumerate(clients.map(call, range(CLIENTS))):
                np.testing.assert_allclose(found, np.full(CALLS, 1 / (1 + np.exp(-client))), 1e-6)
            assert {status for each in others for status in each} == {200}
        for protocol in ("grpc", "v2"):
            assert _counted(running, protocol) == CLIENTS * CALLS
        scores = [running.metric(f'millrace_predictor_scores_total{{bin="{n}"}}') for n in range(4)]
        assert sum(scores) == 2 * CLIENTS * CALLS
        name = "millrace_predictor_request_duration_seconds_count"
        assert running.metric(name) == 2 * CLIENTS * CALLS


def test_calls_that_wait_for_a_slow_model_are_answered_when_it_is_told_to_stop(
    tmp_path: Path,
) -> None:
    slow = make_bundle(tmp_path / "slow", slow=20)
    with predictor(slow, tmp_path, "--grace=1ms") as running:

        async def play() -> list[Any]:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
                infer = channel.unary_unary(INFER)
                calls = [infer(message(0.0)) for _ in range(6)]
                answered = [asyncio.ensure_future(_wait(call)) for call in calls]
                await asyncio.wait(answered, return_when=asyncio.FIRST_COMPLETED)
                running.process.send_signal(signal.SIGTERM)
                return await asyncio.gather(*answered)

        assert len(asyncio.run(play())) == 6
        wait_for(lambda: running.process.poll() is not None, "it ends")
        assert running.process.returncode == 0


def test_clients_that_do_not_wait_leave_no_work_and_no_faults_behind(tmp_path: Path) -> None:
    slow = make_bundle(tmp_path / "slow", slow=100)
    with predictor(slow, tmp_path, "--max-queued=8") as running:

        async def play() -> tuple[list[Any], bytes]:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
                infer = channel.unary_unary(INFER)
                left = [_wait(infer(message(0.0), timeout=0.02)) for _ in range(8)]
                found = await asyncio.gather(*left, return_exceptions=True)
                async with asyncio.timeout(20):
                    while True:  # those that have left may still be counted as waiting
                        try:
                            return found, await infer(message(0.0))
                        except grpc.aio.AioRpcError as refusal:
                            assert refusal.code() is grpc.StatusCode.UNAVAILABLE

        left, answer = asyncio.run(play())
        assert {each.code() for each in left} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        assert prediction(answer) == 0.5
        assert not running.logs("failed")
        assert not running.logs("library_error")
        assert _counted(running, "grpc") < len(left)


async def _wait(call: Any) -> bytes:
    answer: bytes = await call
    return answer


def _counted(running: Predictor, protocol: str) -> float:
    name = "millrace_predictor_requests_total"
    return running.metric(f'{name}{{code="200",protocol="{protocol}"}}')
