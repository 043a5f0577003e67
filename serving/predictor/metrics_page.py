"""The metrics port: /metrics and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from serving.predictor.exposition import Exposition
from serving.predictor.faults import ClientFault
from serving.predictor.replies import Reply, fault_reply


class MetricsPage:
    """An ASGI application that shows metrics."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    async def __call__(
        self,
        scope: dict[str, Any],
        _receive: Any,
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if scope["path"] != "/metrics":
            reply = fault_reply(ClientFault(404, "metrics are at /metrics"))
        elif scope["method"] not in ("GET", "HEAD"):
            reply = fault_reply(ClientFault(405, "metrics can be read"), [(b"allow", b"GET, HEAD")])
        else:
            accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
            body, content_type = self._exposition.page(accept)
            size = (b"content-length", b"%d" % len(body))
            reply = Reply(200, [(b"content-type", content_type.encode()), size], body)
        start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})
