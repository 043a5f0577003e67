"""The REST protocols as an ASGI application: static routes, no framework."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import quote

from serving.predictor.answering import (
    INLINE_BYTES,
    Answering,
    InferAnswer,
    InferRequest,
    WireProtocol,
)
from serving.predictor.bodies import Bodies, Disconnected, sends_to_the_end
from serving.predictor.connections import NO_ROOM
from serving.predictor.counting import has_more_values
from serving.predictor.faults import ClientFault, bad_input, overloaded, too_many_rows
from serving.predictor.identity import id_of_header, id_source
from serving.predictor.openapi import openapi_document
from serving.predictor.outcomes import Outcomes
from serving.predictor.replies import (
    BINARY,
    JSON,
    Headers,
    Reply,
    constant_replies,
    fault_reply,
    readiness_replies,
)
from serving.predictor.v1 import V1Reader, V1RowsWriter, V1Writer
from serving.predictor.v2 import V2Reader
from serving.predictor.v2_writing import V2OutputsWriter, V2Writer
from serving.predictor.values import short

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
GivenHeaders = dict[bytes, bytes]
_SPARE_VALUES = 4096
"""Values that a body may have beside those of its rows: names, shapes, parameters."""


class Rest:
    """Answers HTTP requests of the v1 and v2 protocols."""

    def __init__(self, answering: Answering, bodies: Bodies, outcomes: Outcomes) -> None:
        """Set up.

        Args:
            answering: the data plane.
            bodies: reads request bodies.
            outcomes: hears what became of inference requests.
        """
        model, most = answering.model, answering.max_rows
        self._answering = answering
        self._bodies = bodies
        self._outcomes = outcomes
        self._infer_paths: dict[str, WireProtocol] = {
            f"/v1/models/{model.name}:predict": "v1",
            f"/v2/models/{model.name}/infer": "v2",
            f"/v2/models/{model.name}/versions/{model.version}/infer": "v2",
        }
        self._constant = constant_replies(model, openapi_document(model, bodies.max_size, most))
        self._readiness = {yes: readiness_replies(model, ready=yes) for yes in (True, False)}
        several = model.signature.several
        self._v1_reader = V1Reader(model.signature, most)
        self._v1_writer = V1RowsWriter(model) if several else V1Writer(model)
        self._v2_reader = V2Reader(model.signature, most)
        self._v2_writer = V2OutputsWriter(model) if several else V2Writer(model)
        names = len(model.signature.inputs) + len(model.signature.keys)
        self._most_values = 2 * most * (names + 1) + _SPARE_VALUES  # each may be a list of one
        self._new_id = id_source()
        self._about: Headers = [
            (b"x-model-version", quote(model.version).encode()),
            (b"x-bundle-digest", model.digest.encode()),
        ]
        self._json_head = [JSON, *self._about]
        self._binary_head = [BINARY, *self._about]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        protocol = self._protocol(scope)
        if protocol is None:
            reply = self._look_up(scope["method"], scope["path"])
        else:
            try:
                reply = await self._infer(protocol, scope, receive)
            except Disconnected:
                return
        await _answer(send, reply)

    async def refuse(self, scope: Message, _: Receive, send: Send) -> None:
        """Answer a request of a connection that there is no room for, and count it."""
        start, protocol, request_id = time.perf_counter(), self._protocol(scope), self._new_id()
        reply = self._refusal(overloaded(NO_ROOM), request_id)
        if protocol is not None:
            self._outcomes.answered(protocol, reply.status, start, request_id)
        reply.headers.append((b"connection", b"close"))
        await _answer(send, reply)

    def _protocol(self, scope: Message) -> WireProtocol | None:
        """Return the protocol of an inference request, None if it is no such request."""
        return self._infer_paths.get(scope["path"]) if scope["method"] == "POST" else None

    async def _infer(self, protocol: WireProtocol, scope: Message, receive: Receive) -> Reply:
        """Return the answer to an inference request, and count it."""
        start = time.perf_counter()
        given: GivenHeaders = dict(scope["headers"])
        request_id = id_of_header(given.get(b"x-request-id")) or self._new_id()
        size = 0
        try:
            body = await self._bodies.read(
                receive,
                given.get(b"content-length"),
                start,
                to_its_end=sends_to_the_end(scope["http_version"], given),
            )
            size = len(body)
            read = partial(self._read, protocol, body, given, request_id)
            request, binary = (
                read() if size <= INLINE_BYTES else await self._answering.read_aside(read, size)
            )
            request_id = request.id
            reply = self._answered(protocol, await self._answering.answer(request), binary)
        except Exception as error:
            if isinstance(error, Disconnected):
                raise
            reply = self._refusal(error, request_id)
        finally:
            self._bodies.give_back(size)
        self._outcomes.answered(protocol, reply.status, start, request_id)
        return reply

    def _read(
        self, protocol: WireProtocol, body: bytes, given: GivenHeaders, request_id: str
    ) -> tuple[InferRequest, bool]:
        """Return what a body asks, and whether its answer shall be binary."""
        json_size = _json_size(given, len(body))
        if len(body) > INLINE_BYTES and has_more_values(body[:json_size], self._most_values):
            raise too_many_rows(self._answering.max_rows, "")
        if protocol == "v2":
            return self._v2_reader.read(body, json_size, request_id)
        return self._v1_reader.read(body, request_id), False

    def _answered(self, protocol: WireProtocol, answer: InferAnswer, binary: bool) -> Reply:
        request_id = (b"x-request-id", answer.id.encode())
        if binary:
            body, json_size = self._v2_writer.write_binary(answer)
            split = (b"inference-header-content-length", b"%d" % json_size)
            head = [*self._binary_head, split, request_id]
        else:
            writer = self._v2_writer if protocol == "v2" else self._v1_writer
            body = writer.write(answer)
            head = [*self._json_head, request_id]
        head.append((b"content-length", b"%d" % len(body)))
        return Reply(200, head, body)

    def _refusal(self, error: Exception, request_id: str) -> Reply:
        """Return what a client hears of a request that failed."""
        fault = self._outcomes.fault(error, request_id)
        return fault_reply(fault, [*self._about, (b"x-request-id", request_id.encode())])

    def _look_up(self, method: str, path: str) -> Reply:
        """Return the answer to anything but an inference request."""
        reply = self._constant.get(path) or self._readiness[self._answering.ready].get(path)
        if reply is not None and method in ("GET", "HEAD"):
            return reply
        if reply is None and path not in self._infer_paths:
            return fault_reply(ClientFault(404, self._not_found(path)))
        allowed = "POST" if reply is None else "GET, HEAD"
        fault = ClientFault(405, f"{method} is not for this path, which takes {allowed}")
        return fault_reply(fault, [(b"allow", allowed.encode())])

    def _not_found(self, path: str) -> str:
        model = self._answering.model
        parts = path.split("/")
        if len(parts) > 3 and parts[1] in ("v1", "v2") and parts[2] == "models":
            if parts[3].partition(":")[0] != model.name:
                return f"there is no model {short(parts[3])}; this serves {model.name}"
            if parts[4:5] == ["versions"] and parts[5:6] != [model.version]:
                return f"there is no such version; this serves {model.version}"
        return "there is nothing at this path; /openapi.json tells what is where"


async def _answer(send: Send, reply: Reply) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


def _json_size(given: GivenHeaders, size: int) -> int | None:
    """Return how much of a body is JSON if binary tensors follow, None if it is all JSON.

    Raises:
        ClientFault: the headers say something that cannot be.
    """
    if given.get(b"content-encoding", b"identity").lower() != b"identity":
        raise ClientFault(415, "a body is not compressed", "")
    text = given.get(b"inference-header-content-length")
    if text is None:
        return None
    if not (text.isdigit() and len(text) < 20 and int(text) <= size):
        raise bad_input("inference-header-content-length is not a part of the body", "")
    return int(text)
