"""Send serialized messages as gRPC calls, as an ordinary client does."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from serving.traffic.ledger import Ledger
from serving.traffic.mix import Request
from serving.traffic.target import Target

_METHOD = "/inference.GRPCInferenceService/ModelInfer"


class GrpcSender:
    """Makes calls over one channel, and counts what becomes of them."""

    def __init__(self, target: Target, ledger: Ledger, wait: float) -> None:
        """Set up; see HttpSender."""
        import grpc

        from serving.predictor.oip_messages import ModelInferResponse

        self._failed = grpc.aio.AioRpcError
        self._ledger = ledger
        self._wait = wait
        self._channel = grpc.aio.insecure_channel(
            f"{target.address}:{target.port}",
            options=[
                ("grpc.default_authority", target.host),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._infer = self._channel.unary_unary(
            _METHOD, response_deserializer=ModelInferResponse.FromString
        )
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def unanswered(self) -> int:
        """Return how many calls have no answer yet."""
        return len(self._calls)

    def send(self, request: Request, since: float) -> None:
        """Make a call; its latency counts from `since`, a time of perf_counter."""
        task = asyncio.get_running_loop().create_task(self._call(request, since))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def close(self) -> None:
        """Close the channel; calls that wait for an answer are lost."""
        await self._channel.close()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _call(self, request: Request, since: float) -> None:
        try:
            answer = await self._infer(request.content, timeout=self._wait)
        except self._failed as error:
            self._count_failure(error, since)
        except asyncio.CancelledError:
            self._ledger.lost["no answer in time"] += 1
        else:
            self._ledger.answer("OK", answer.model_version, time.perf_counter() - since)

    def _count_failure(self, error: Any, since: float) -> None:
        """Count a call that failed; one that no server answered has no trailing metadata."""
        trailers = dict(error.trailing_metadata() or ())
        code = error.code().name
        if trailers:
            version = str(trailers.get("x-model-version", ""))
            self._ledger.answer(code, version, time.perf_counter() - since)
        elif code == "DEADLINE_EXCEEDED":
            self._ledger.lost["no answer in time"] += 1
        else:
            self._ledger.lost["no connection"] += 1
