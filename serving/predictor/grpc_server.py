"""The gRPC server of a predictor, in the event loop that answers REST too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc

from millrace.errors import ServingError
from serving.predictor.answering import Answering
from serving.predictor.grpc_service import OVERLOADED, Service
from serving.predictor.logs import Log
from serving.predictor.options import Options

Method = Callable[[bytes, Any], Awaitable[bytes]]
STOP_SECONDS = 10.0
"""After that, calls that are not answered are cut off."""


class GrpcServer:
    """Answers gRPC requests of the Open Inference Protocol and of the standard health check."""

    def __init__(self, answering: Answering, log: Log, options: Options) -> None:
        """Set up.

        Args:
            answering: the data plane.
            log: the process's log.
            options: address and bounds. A message above `max_request_size` is refused with
                RESOURCE_EXHAUSTED; one call more than `max_queued` at once with UNAVAILABLE,
                before its message is read.
        """
        self._options = options
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", options.max_request_size),
                ("grpc.so_reuseport", int(options.workers > 1)),
            ],
        )
        methods = Service(answering, log).methods
        self._server.add_generic_rpc_handlers([_Methods(methods, options.max_queued)])

    async def start(self) -> None:
        """Listen.

        Raises:
            ServingError: the port cannot be had.
        """
        host, port = self._options.host, self._options.grpc_port
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._server.add_insecure_port(where)
        except RuntimeError as error:
            raise ServingError(
                "the gRPC address cannot be used",
                where=where,
                remedy="choose another --host or --grpc-port",
            ) from error
        await self._server.start()

    async def stop(self) -> None:
        """Take no more connections, and end when all calls are answered."""
        await self._server.stop(STOP_SECONDS)


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the method of a call, and refuses calls when there are too many."""

    def __init__(self, methods: Mapping[str, Method], max_running: int) -> None:
        self._handlers = {
            name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()
        }
        self._overloaded = grpc.stream_stream_rpc_method_handler(_refuse)
        self._max_running = max_running
        self._running = 0

    def service(self, handler_call_details: Any) -> Any:
        """Return what answers a call; gRPC asks for it in the task of the call."""
        handler = self._handlers.get(handler_call_details.method)
        task = asyncio.current_task()
        if handler is None or task is None:
            return None
        if self._running >= self._max_running:
            return self._overloaded
        self._running += 1
        task.add_done_callback(self._end)
        return handler

    def _end(self, _: object) -> None:
        self._running -= 1


async def _refuse(_: object, context: Any) -> None:
    await context.abort(
        grpc.StatusCode.UNAVAILABLE, "too many requests wait for an answer", OVERLOADED
    )
