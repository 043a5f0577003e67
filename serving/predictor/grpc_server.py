"""The gRPC server of a predictor: threads of its own, which hand to the event loop what must wait.

gRPC's asyncio server would need no threads of ours, but it wakes one of its own several times a
call, and each time the two want the interpreter's lock: that took a third more processor time.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import grpc

from millrace.errors import ServingError
from serving.predictor.answering import Answering
from serving.predictor.bodies import Bodies
from serving.predictor.connections import READ_TIMEOUT
from serving.predictor.grpc_calls import Calls
from serving.predictor.grpc_receiving import Receiving
from serving.predictor.grpc_service import Service
from serving.predictor.http_server import LINGER, TICK
from serving.predictor.listening import close_listening
from serving.predictor.options import Options
from serving.predictor.outcomes import Outcomes

CONNECTION_AGE = 10.0
"""Seconds, a tenth more or less, after which a client is asked to open a new connection."""
LAST_PATIENCE = 2.0
"""Seconds in which a message has to come once the server stops."""
STOP_SECONDS = 10.0
"""After that, calls that are not answered are cut off."""
_PLACES = 8
"""Messages that may be waited for once they have not come together with their call."""
_SPARE = 64
"""Threads for what is not counted: health, metadata and refusals."""
_SWEEP = 0.2
"""Seconds after which it is looked again for calls whose message does not come."""


class GrpcServer:
    """Answers gRPC requests of the Open Inference Protocol and of the standard health check."""

    def __init__(
        self, answering: Answering, bodies: Bodies, outcomes: Outcomes, options: Options
    ) -> None:
        """Set up, in the event loop.

        Args:
            answering: the data plane.
            bodies: counts what is held of messages.
            outcomes: hears what became of inference requests.
            options: address and bounds. A message above `max_request_size` is refused with
                RESOURCE_EXHAUSTED; one inference call more than `max_queued` at once with
                UNAVAILABLE, before its message is read.
        """
        self._options = options
        self._threads = ThreadPoolExecutor(options.max_queued + _SPARE, thread_name_prefix="grpc")
        model = answering.model
        about = (("x-model-version", quote(model.version)), ("x-bundle-digest", model.digest))
        places = max(1, min(_PLACES, options.max_queued // 2))
        self._receiving = Receiving(bodies, places, about)
        loop = asyncio.get_running_loop()
        service = Service(answering, self._receiving, outcomes, about, loop)
        self._calls = Calls(service, options.max_queued)
        self._server = grpc.server(
            self._threads,
            [self._calls],
            options=[
                # A message that is not much too large is read, so that we refuse and count it.
                ("grpc.max_receive_message_length", 2 * options.max_request_size),
                ("grpc.max_allowed_incoming_connections", options.max_connections),
                ("grpc.max_connection_age_ms", int(1000 * CONNECTION_AGE)),
                ("grpc.so_reuseport", int(options.workers > 1)),
            ],
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
        self._patience = READ_TIMEOUT
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def stop(self) -> None:
        """Take no more connections, and end when all calls are answered.

        gRPC asks its clients to leave only when it already cuts off what they still send. So it is
        stopped when they have left: they are asked to when their connection is of age, and cannot
        open another.
        """
        await close_listening(self._options.grpc_port)
        self._patience = LAST_PATIENCE
        await self._quiet()
        ended = self._server.stop(STOP_SECONDS)
        await asyncio.to_thread(ended.wait)
        self._sweeper.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _quiet(self) -> None:
        """Wait until no call comes any more and all are answered, or all clients were asked."""
        clock = asyncio.get_running_loop().time
        quiet = clock()
        until = quiet + 1.1 * CONNECTION_AGE + LINGER
        came = -1
        while quiet + LINGER > clock() < until:
            if came != self._calls.came or self._calls.under_way:
                came, quiet = self._calls.came, clock()
            await asyncio.sleep(TICK)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            self._receiving.sweep(self._patience)
