"""The gRPC server of a predictor: threads of its own, which hand to the event loop what must wait.

gRPC's asyncio server would need no threads of ours, but it wakes one of its own several times a
call, and each time the two want the interpreter's lock: that took a third more processor time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import grpc

from millrace.errors import ServingError
from serving.predictor.answering import Answering
from serving.predictor.grpc_service import OVERLOADED, Metadata, Service
from serving.predictor.logs import Log
from serving.predictor.options import Options

T = TypeVar("T")

STOP_SECONDS = 10.0
"""After that, calls that are not answered are cut off."""
_SPARE = 2
"""Threads that refuse calls while all others wait."""


class GrpcServer:
    """Answers gRPC requests of the Open Inference Protocol and of the standard health check."""

    def __init__(self, answering: Answering, log: Log, options: Options) -> None:
        """Set up, in the event loop.

        Args:
            answering: the data plane.
            log: the process's log.
            options: address and bounds. A message above `max_request_size` is refused with
                RESOURCE_EXHAUSTED; one call more than `max_queued` at once with UNAVAILABLE,
                before its message is read.
        """
        self._options = options
        self._threads = _Threads(options.max_queued + _SPARE)
        self._server = grpc.server(
            self._threads,
            options=[
                ("grpc.max_receive_message_length", options.max_request_size),
                ("grpc.so_reuseport", int(options.workers > 1)),
            ],
        )
        service = Service(answering, log, asyncio.get_running_loop())
        self._server.add_generic_rpc_handlers(
            [_Methods(service, self._threads, options.max_queued)]
        )

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
        self._server.start()

    async def stop(self) -> None:
        """Take no more connections, and end when all calls are answered."""
        ended = self._server.stop(STOP_SECONDS)
        await asyncio.to_thread(ended.wait)
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Threads(ThreadPoolExecutor):
    """Threads that are started as they are needed, and know how many calls they have.

    Attributes:
        calls: how many are under way or wait for a thread.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most, thread_name_prefix="grpc")
        self.calls = 0
        self._lock = Lock()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Take one call; gRPC's own thread does this, once it knows the method."""
        with self._lock:
            self.calls += 1
        try:
            future = super().submit(fn, *args, **kwargs)
        except RuntimeError:
            self._end(None)
            raise
        future.add_done_callback(self._end)
        return future

    def _end(self, _: object) -> None:
        with self._lock:
            self.calls -= 1


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the method of a call, and refuses calls when there are too many."""

    def __init__(self, service: Service, threads: _Threads, most: int) -> None:
        self._handlers = {
            name: grpc.unary_unary_rpc_method_handler(method)
            for name, method in service.methods.items()
        }
        self._overloaded = grpc.stream_stream_rpc_method_handler(
            partial(_refuse, (*service.about, *OVERLOADED))
        )
        self._threads = threads
        self._most = most

    def service(self, handler_call_details: Any) -> Any:
        """Return what answers a call; the thread that asks for it submits the call then."""
        handler = self._handlers.get(handler_call_details.method)
        if handler is not None and self._threads.calls >= self._most:
            return self._overloaded
        return handler


def _refuse(trailing: Metadata, _: object, context: Any) -> None:
    context.set_trailing_metadata(trailing)
    context.abort(grpc.StatusCode.UNAVAILABLE, "too many requests wait for an answer")
