"""The methods of the Open Inference Protocol's gRPC service: bytes in, bytes out.

They are called in threads. What nothing has to be waited for is answered there, and only the rest
is handed to the event loop, because every change of threads costs a request more than its model.
Messages are decoded here and not by gRPC, which would call a malformed one an INTERNAL error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import Lock
from typing import Any, NoReturn, TypeVar

from google.protobuf.message import Message

from serving.predictor.answering import Answering, InferAnswer, InferRequest
from serving.predictor.faults import ClientFault, overloaded
from serving.predictor.grpc_faults import Metadata, abort, leave
from serving.predictor.grpc_receiving import Messages, Receiving, Told
from serving.predictor.identity import id_source, is_fit
from serving.predictor.oip_messages import (
    HEALTH_SERVICE,
    SERVICE,
    HealthCheckRequest,
    HealthCheckResponse,
    ModelMetadataRequest,
    ModelMetadataResponse,
    ModelReadyRequest,
    ModelReadyResponse,
    ServerLiveResponse,
    ServerMetadataResponse,
    ServerReadyResponse,
)
from serving.predictor.oip_reading import OipReader, parsed
from serving.predictor.oip_writing import OipOutputsWriter, OipWriter
from serving.predictor.outcomes import Outcomes
from serving.predictor.replies import EXTENSIONS, metadata

T = TypeVar("T")
Method = Callable[[Messages, Any], bytes]
SERVER_NAME = "millrace-predictor"
LARGE_BYTES = 16 * 1024
"""Messages from here on are answered one after the other: decoded, they take many times that."""
_NO_TURN = nullcontext()
_SERVING, _NOT_SERVING = 1, 2


class Service:
    """Answers calls with one model."""

    def __init__(
        self,
        answering: Answering,
        receiving: Receiving,
        outcomes: Outcomes,
        about: Metadata,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Set up.

        Args:
            answering: the data plane.
            receiving: receives the messages of calls.
            outcomes: hears what became of inference requests.
            about: trailing metadata of every refusal.
            loop: the event loop that the data plane belongs to.
        """
        model = answering.model
        self._answering = answering
        self._receiving = receiving
        self._outcomes = outcomes
        self._loop = loop
        self._large = Lock()
        self._about = about
        self._new_id = id_source()
        self._reader = OipReader(model, answering.max_rows)
        several = model.signature.several
        self._writer = OipOutputsWriter(model) if several else OipWriter(model)
        told = metadata(model)
        told.pop("properties")
        self._model_metadata: bytes = ModelMetadataResponse(**told).SerializeToString()
        self._server_metadata: bytes = ServerMetadataResponse(
            name=SERVER_NAME, version=model.version, extensions=EXTENSIONS
        ).SerializeToString()

    @property
    def methods(self) -> dict[str, Method]:
        """Return the methods, but for inference, by the paths that gRPC calls them by."""
        return {
            f"/{SERVICE}/ServerLive": self._server_live,
            f"/{SERVICE}/ServerReady": self._server_ready,
            f"/{SERVICE}/ModelReady": self._model_ready,
            f"/{SERVICE}/ServerMetadata": self._tell_server,
            f"/{SERVICE}/ModelMetadata": self._tell_model,
            f"/{HEALTH_SERVICE}/Check": self._check,
        }

    def infer(self, messages: Messages, context: Any) -> bytes:
        """Answer an inference request, and count it."""
        start = time.perf_counter()
        request_id = ""
        try:
            with self._receiving.message(messages, context) as content:
                start = time.perf_counter()
                with self._turn(content):
                    request, raw = self._read(content, context)
                    request_id = request.id = request.id or self._id_of(context)
                    body = self._writer.write(self._answer(request, context), raw=raw)
        except CancelledError:
            return b""  # nobody hears it any more
        except Exception as error:
            self._refuse(error, context, start, request_id)
        self._outcomes.answered("grpc", 200, start, request_id)
        return body

    def refuse(self, _: Messages, context: Any) -> bytes:
        """Refuse an inference request that there is no room for, before its message is read."""
        self._refuse(overloaded(), context, time.perf_counter())

    def _turn(self, content: bytes) -> AbstractContextManager[None]:
        return self._turn_of_large() if len(content) > LARGE_BYTES else _NO_TURN

    @contextmanager
    def _turn_of_large(self) -> Iterator[None]:
        """Wait for the large messages before this one to be answered.

        Raises:
            ClientFault: that takes too long.
        """
        if not self._large.acquire(timeout=self._answering.patience):
            raise overloaded()
        try:
            yield
        finally:
            self._large.release()

    def _read(self, content: bytes, context: Any) -> tuple[InferRequest, bool]:
        """Return what a message asks, and whether its answer shall be raw."""
        if len(content) <= LARGE_BYTES:
            return self._reader.read(content)
        read = partial(self._reader.read, content)
        return self._wait_for(self._answering.read_aside(read, len(content)), context)

    def _answer(self, request: InferRequest, context: Any) -> InferAnswer:
        """Return the answer to a request, from the event loop if something is to be waited for."""
        answer = self._answering.answer_at_once(request)
        if answer is None:
            return self._wait_for(self._answering.answer(request), context)
        tell = self._answering.tell
        if tell is not None:
            self._loop.call_soon_threadsafe(tell, answer)
        return answer

    def _wait_for(self, work: Coroutine[Any, Any, T], context: Any) -> T:
        """Return what some work in the event loop returns.

        Raises:
            CancelledError: the client did not wait that long.
        """
        later = asyncio.run_coroutine_threadsafe(work, self._loop)
        if not context.add_callback(later.cancel):
            later.cancel()  # the call has ended meanwhile
        try:
            return later.result()
        finally:
            del later  # an exception of its would keep the request in memory by way of this frame

    def _server_live(self, _: Messages, __: Any) -> bytes:
        return _written(ServerLiveResponse(live=True))

    def _server_ready(self, _: Messages, __: Any) -> bytes:
        return _written(ServerReadyResponse(ready=self._answering.ready))

    def _tell_server(self, _: Messages, __: Any) -> bytes:
        return self._server_metadata

    def _model_ready(self, messages: Messages, context: Any) -> bytes:
        self._require_model(ModelReadyRequest, messages, context)
        return _written(ModelReadyResponse(ready=self._answering.ready))

    def _tell_model(self, messages: Messages, context: Any) -> bytes:
        self._require_model(ModelMetadataRequest, messages, context)
        return self._model_metadata

    def _check(self, messages: Messages, context: Any) -> bytes:
        """Answer the standard health check, for the server ('') or the inference service."""
        if self._parsed(HealthCheckRequest, messages, context).service not in ("", SERVICE):
            abort(context, ClientFault(404, "there is no such service"), self._about)
        status = _SERVING if self._answering.ready else _NOT_SERVING
        return _written(HealthCheckResponse(status=status))

    def _require_model(self, kind: Any, messages: Messages, context: Any) -> None:
        message = self._parsed(kind, messages, context)
        try:
            self._reader.require_model(message.name, message.version)
        except ClientFault as fault:
            abort(context, fault, self._about)

    def _parsed(self, kind: Any, messages: Messages, context: Any) -> Any:
        try:
            with self._receiving.message(messages, context) as content:
                return parsed(kind, content)
        except Told:
            leave(context)
        except ClientFault as fault:
            abort(context, fault, self._about)

    def _id_of(self, context: Any) -> str:
        """Return the request id of the metadata if there is a fit one, else one of ours."""
        for key, value in context.invocation_metadata():
            if key == "x-request-id" and is_fit(value):
                return str(value)
        return self._new_id()

    def _refuse(
        self, error: Exception, context: Any, start: float, request_id: str = ""
    ) -> NoReturn:
        """Count a request's fault, and end its call with it."""
        request_id = request_id or self._id_of(context)
        told = error.fault if isinstance(error, Told) else None
        fault = self._outcomes.fault(told or error, request_id)
        self._outcomes.answered("grpc", fault.status, start, request_id)
        if told is not None:
            leave(context)
        abort(context, fault, self._about)


def _written(message: Message) -> bytes:
    content: bytes = message.SerializeToString()
    return content
