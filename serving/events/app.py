"""The collector over HTTP: events on any path, /metrics and /healthz."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from serving.events.checks import Reason, Refused
from serving.events.cloudevents import BATCH
from serving.events.collector import Collector
from serving.events.counts import Counts
from serving.events.files import LARGEST_BYTES
from serving.events.intake import read_events
from serving.events.trouble import Trouble
from serving.predictor.bodies import Bodies, Disconnected, sends_to_the_end
from serving.predictor.faults import ClientFault
from serving.predictor.replies import Headers, Reply, fault_reply, json_reply

HELD_BYTES = 2 * LARGEST_BYTES
"""Bytes of all bodies that are held at once."""
_TAKEN: Headers = [(b"accept", BATCH.encode()), (b"content-length", b"0")]
_REASONS: dict[int, Reason] = {408: "late", 413: "size", 503: "busy"}


class App:
    """An ASGI application, whose events one thread reads and keeps, in the order of requests."""

    def __init__(
        self, collector: Collector, thread: ThreadPoolExecutor, counts: Counts, trouble: Trouble
    ) -> None:
        """Set up.

        Args:
            collector: keeps the events.
            thread: the only one that may use it.
            counts: where refused events are counted.
            trouble: who is told that nothing is kept.
        """
        self._collector = collector
        self._thread = thread
        self._counts = counts
        self._trouble = trouble
        self._bodies = Bodies(LARGEST_BYTES, HELD_BYTES)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["method"] == "POST":
            try:
                reply = await self._events(scope, receive)
            except Disconnected:
                return
        else:
            reply = self._page(scope)
        head = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        await send(head)
        await send({"type": "http.response.body", "body": reply.body})

    def _page(self, scope: Any) -> Reply:
        if scope["method"] not in ("GET", "HEAD"):
            return fault_reply(ClientFault(405, "events are posted"), [(b"allow", b"POST, GET")])
        if scope["path"] == "/healthz":
            return json_reply(200, {"live": True})
        if scope["path"] != "/metrics":
            return fault_reply(ClientFault(404, "there are /metrics and /healthz"))
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        body, content_type = self._counts.page(accept)
        size = (b"content-length", b"%d" % len(body))
        return Reply(200, [(b"content-type", content_type.encode()), size], body)

    async def _events(self, scope: Any, receive: Any) -> Reply:
        given = dict(scope["headers"])
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in given.items()}
        size = 0
        try:
            body = await self._bodies.read(
                receive,
                given.get(b"content-length"),
                time.perf_counter(),
                to_its_end=sends_to_the_end(scope["http_version"], given),
            )
            size = len(body)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._take, headers, body)
        except ClientFault as fault:
            self._counts.refused.labels(_REASONS.get(fault.status, "size")).inc()
            return fault_reply(ClientFault(fault.status, fault.message))
        finally:
            self._bodies.give_back(size)

    def _take(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Keep the events of a request."""
        try:
            events = list(read_events(headers, body))
        except Refused as refused:
            events = [refused]
        refused_ones = [event for event in events if isinstance(event, Refused)]
        for one in refused_ones:
            self._counts.refused.labels(one.reason).inc()
        try:
            self._collector.take(event for event in events if not isinstance(event, Refused))
        except OSError as error:
            self._counts.refused.labels("disk").inc()
            return fault_reply(ClientFault(507, self._trouble.tell(error)))
        if not refused_ones:
            self._trouble.over()
            return Reply(202, _TAKEN, b"")
        first, count = refused_ones[0], len(refused_ones)
        of_how_many = "" if len(events) == 1 else f"{count} of {len(events)} refused, the first: "
        status = 415 if first.reason == "media" else 400
        return json_reply(status, {"error": f"{of_how_many}{first}"})
