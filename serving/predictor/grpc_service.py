"""The methods of the Open Inference Protocol's gRPC service: bytes in, bytes out.

They are called in threads. What nothing has to be waited for is answered there, and only the rest
is handed to the event loop, because every change of threads costs a request more than its model.
Messages are decoded here and not by gRPC, which would call a malformed one an INTERNAL error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.message import Message

from serving.predictor.answering import Answering, InferAnswer, InferRequest
from serving.predictor.faults import GRPC_CODES, ClientFault
from serving.predictor.identity import id_source, is_fit
from serving.predictor.logs import Log, Seldom
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
from serving.predictor.oip_reading import OipReader, field_path, parsed
from serving.predictor.oip_writing import OipWriter
from serving.predictor.replies import EXTENSIONS, metadata

Method = Callable[[bytes, Any], bytes]
Metadata = tuple[tuple[str, str], ...]
SERVER_NAME = "millrace-predictor"
_SERVING, _NOT_SERVING = 1, 2


def retry_after(seconds: int) -> Metadata:
    """Return the trailing metadata of a refusal that a client may try again.

    `grpc-retry-pushback-ms` is what gRPC's own clients obey (proposal A6, client retries).
    """
    return (("retry-after", str(seconds)), ("grpc-retry-pushback-ms", str(1000 * seconds)))


OVERLOADED = retry_after(1)


class Service:
    """Answers calls with one model."""

    def __init__(self, answering: Answering, log: Log, loop: asyncio.AbstractEventLoop) -> None:
        """Set up.

        Args:
            answering: the data plane.
            loop: the event loop that it belongs to.
            log: the process's log.
        """
        model = answering.model
        self._answering = answering
        self._loop = loop
        self._log = log
        self._refused = Seldom(log, "refused")
        self.about: Metadata = (
            ("x-model-version", quote(model.version)),
            ("x-bundle-digest", model.digest),
        )
        """Trailing metadata of every refusal: who refused."""
        self._new_id = id_source()
        self._reader = OipReader(model, answering.max_rows)
        self._writer = OipWriter(model)
        told = metadata(model)
        told.pop("properties")
        self._model_metadata: bytes = ModelMetadataResponse(**told).SerializeToString()
        self._server_metadata: bytes = ServerMetadataResponse(
            name=SERVER_NAME, version=model.version, extensions=EXTENSIONS
        ).SerializeToString()

    @property
    def methods(self) -> dict[str, Method]:
        """Return the methods by the paths that gRPC calls them by."""
        return {
            f"/{SERVICE}/ServerLive": self._server_live,
            f"/{SERVICE}/ServerReady": self._server_ready,
            f"/{SERVICE}/ModelReady": self._model_ready,
            f"/{SERVICE}/ServerMetadata": self._tell_server,
            f"/{SERVICE}/ModelMetadata": self._tell_model,
            f"/{SERVICE}/ModelInfer": self._infer,
            f"/{HEALTH_SERVICE}/Check": self._check,
        }

    def _infer(self, content: bytes, context: Any) -> bytes:
        """Answer an inference request, and count it."""
        start = time.perf_counter()
        request_id = ""
        try:
            request, raw = self._reader.read(content)
            request_id = request.id = request.id or self._id_of(context)
            answer = self._answer(request, context)
            body = self._writer.write(answer, raw=raw)
        except CancelledError:
            return b""  # nobody hears it any more
        except Exception as error:
            request_id = request_id or self._id_of(context)
            fault = self._fault(error, request_id)
            self._count(fault.status, start, request_id)
            _abort(context, fault, self.about)
            raise
        self._count(200, start, request_id)
        return body

    def _answer(self, request: InferRequest, context: Any) -> InferAnswer:
        """Return the answer to a request, from the event loop if something is to be waited for.

        Raises:
            CancelledError: the client did not wait that long.
        """
        answer = self._answering.answer_at_once(request)
        if answer is None:
            later = asyncio.run_coroutine_threadsafe(self._answering.answer(request), self._loop)
            if not context.add_callback(later.cancel):
                later.cancel()  # the call has ended meanwhile
            return later.result()
        tell = self._answering.tell
        if tell is not None:
            self._loop.call_soon_threadsafe(tell, answer)
        return answer

    def _server_live(self, _: bytes, __: Any) -> bytes:
        return _written(ServerLiveResponse(live=True))

    def _server_ready(self, _: bytes, __: Any) -> bytes:
        return _written(ServerReadyResponse(ready=self._answering.ready))

    def _model_ready(self, content: bytes, context: Any) -> bytes:
        self._require_model(ModelReadyRequest, content, context)
        return _written(ModelReadyResponse(ready=self._answering.ready))

    def _tell_server(self, _: bytes, __: Any) -> bytes:
        return self._server_metadata

    def _tell_model(self, content: bytes, context: Any) -> bytes:
        self._require_model(ModelMetadataRequest, content, context)
        return self._model_metadata

    def _check(self, content: bytes, context: Any) -> bytes:
        """Answer the standard health check, for the server ('') or the inference service."""
        try:
            service = parsed(HealthCheckRequest, content).service
        except ClientFault as fault:
            _abort(context, fault, self.about)
            raise
        if service not in ("", SERVICE):
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        status = _SERVING if self._answering.ready else _NOT_SERVING
        return _written(HealthCheckResponse(status=status))

    def _require_model(self, kind: Any, content: bytes, context: Any) -> None:
        try:
            message = parsed(kind, content)
            self._reader.require_model(message.name, message.version)
        except ClientFault as fault:
            _abort(context, fault, self.about)

    def _id_of(self, context: Any) -> str:
        """Return the request id of the metadata if there is a fit one, else one of ours."""
        for key, value in context.invocation_metadata():
            if key == "x-request-id" and is_fit(value):
                return str(value)
        return self._new_id()

    def _count(self, status: int, start: float, request_id: str) -> None:
        seconds = time.perf_counter() - start
        self._answering.metrics.request("grpc", status, seconds, request_id)

    def _fault(self, error: Exception, request_id: str) -> ClientFault:
        """Return what a client hears of a request that failed, and log what it cannot mend."""
        if not isinstance(error, ClientFault):
            self._log.error("failed", request_id=request_id, exc_info=error)
            return ClientFault(500, "the model failed on this request")
        if error.status == 503:
            self._refused.say(request_id=request_id, reason=error.message)
        return error


def _abort(context: Any, fault: ClientFault, about: Metadata) -> None:
    """End a call with a fault; gRPC raises its own exception for that."""
    place = field_path(fault.pointer or "")
    details = f"{place}: {fault.message}" if place else fault.message
    trailing = () if fault.retry_after is None else retry_after(fault.retry_after)
    context.set_trailing_metadata((*about, *trailing))
    context.abort(grpc.StatusCode[GRPC_CODES[fault.status]], details)


def _written(message: Message) -> bytes:
    content: bytes = message.SerializeToString()
    return content
