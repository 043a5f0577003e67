"""The calls of a gRPC server: each finds its method, and inference does so within bounds."""

from __future__ import annotations

from threading import Lock
from typing import Any

import grpc

from serving.predictor.grpc_receiving import Messages
from serving.predictor.grpc_service import Service
from serving.predictor.oip_messages import SERVICE

INFER = f"/{SERVICE}/ModelInfer"


class Calls(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the method of a call, and refuses inference when there is too much of it.

    All else, health above all, is answered whatever is under way.

    Attributes:
        under_way: inference calls that are not answered yet.
        came: inference calls that ever came.
    """

    def __init__(self, service: Service, most: int) -> None:
        self.under_way = 0
        self.came = 0
        self._service = service
        self._most = most
        self._lock = Lock()
        # One message a call is a stream of one: a method that is called before it has come can
        # say how long to wait for it.
        handler = grpc.stream_unary_rpc_method_handler
        self._methods = {name: handler(method) for name, method in service.methods.items()}
        self._infer = handler(self._answer)
        self._refusal = handler(service.refuse)

    def service(self, handler_call_details: Any) -> Any:
        """Return what answers a call, None if there is no such method; gRPC calls this."""
        method = handler_call_details.method
        if method != INFER:
            return self._methods.get(method)
        with self._lock:
            self.came += 1
            if self.under_way >= self._most:
                return self._refusal
            self.under_way += 1
        return self._infer

    def _answer(self, messages: Messages, context: Any) -> bytes:
        try:
            return self._service.infer(messages, context)
        finally:
            with self._lock:
                self.under_way -= 1
