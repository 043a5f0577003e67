"""The receiver of events, over one HTTP/1.1 connection that is kept.

Events go one a request, in CloudEvents' binary mode, as KServe's logger sends them; several
requests may be on their way before the first is answered. A receiver whose answers carry
`Accept: application/cloudevents-batch+json` gets them in batches, which costs less.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from millrace.errors import ServingError
from serving.predictor.event_connection import BATCH, EventConnection
from serving.predictor.event_data import Event, EventData
from serving.predictor.event_shape import EventShape
from serving.predictor.model import Model


class SinkDown(Exception):  # noqa: N818
    """The receiver cannot be reached: nothing of what was to be sent was."""


class EventSink:
    """Sends events to one URL, one call at a time."""

    def __init__(self, url: str, model: Model, data: EventData, timeout: float) -> None:
        """Set up, without connecting.

        Args:
            url: http or https.
            model: the model that the events are of.
            data: encodes what they tell.
            timeout: seconds that connecting, and each answer, may take.

        Raises:
            ServingError: the URL cannot be used.
        """
        self._host, self._port, self._tls, target = _parts(url)
        self._shape = EventShape(model)
        self._data = data
        self._timeout = timeout
        self._connection = EventConnection(batches=False)
        host = f"[{self._host}]" if ":" in self._host else self._host
        start = f"POST {target} HTTP/1.1\r\nhost: {host}:{self._port}\r\n".encode()
        self._alone = start + self._shape.headers
        self._together = start + f"content-type: {BATCH}; charset=UTF-8\r\n".encode()

    async def send(self, events: Sequence[Event]) -> tuple[int, int]:
        """Send the first of some events, as many as the receiver takes at once.

        Returns:
            How many of them, from the first on, are done with, and how many of these it took. One
            that may or may not have arrived is done with, for none shall arrive twice.

        Raises:
            SinkDown: there is no connection to it.
        """
        if not self._connection.open:
            self._connection = await self._connect()
        connection = self._connection
        if connection.batches:
            content = await self._batch(events)
            return len(events), len(events) * await connection.exchange(content, 1, self._timeout)
        chosen = events if connection.pipelines else events[:1]
        content = await self._one_by_one(chosen)
        return len(chosen), await connection.exchange(content, len(chosen), self._timeout)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    async def _connect(self) -> EventConnection:
        context = ssl.create_default_context() if self._tls else None
        loop, batches = asyncio.get_running_loop(), self._connection.batches
        try:
            async with asyncio.timeout(self._timeout):
                _, connection = await loop.create_connection(
                    lambda: EventConnection(batches=batches), self._host, self._port, ssl=context
                )
        except (OSError, TimeoutError) as error:
            raise SinkDown(str(error) or "no connection in time") from error
        return connection

    async def _one_by_one(self, events: Sequence[Event]) -> list[bytes]:
        """Return a request for each event, in parts."""
        content: list[bytes] = []
        own_headers = self._shape.own_headers
        for event, data in zip(events, await self._encoded(events), strict=True):
            content += (self._alone, own_headers(event, sum(map(len, data))), *data)
        return content

    async def _batch(self, events: Sequence[Event]) -> list[bytes]:
        """Return one request for all events, in parts."""
        content: list[bytes] = []
        for event, data in zip(events, await self._encoded(events), strict=True):
            content += (b"," if content else b"[", self._shape.structured(event), *data, b"}")
        content.append(b"]")
        size = b"content-length: %d\r\n\r\n" % sum(map(len, content))
        return [self._together, size, *content]

    async def _encoded(self, events: Sequence[Event]) -> list[list[bytes]]:
        """Return the data of each event, in parts; others have their turn in between."""
        single = iter(self._data.whole([event for event in events if event.row is not None]))
        encoded = []
        for event in events:
            parts = [] if event.row is None else [next(single)]
            if event.row is None:
                for part in self._data.pieces(event):
                    parts.append(part)
                    await asyncio.sleep(0)
            encoded.append(parts)
        return encoded


def _parts(url: str) -> tuple[str, int, bool, str]:
    """Return host, port, whether it is https, and the request target.

    Raises:
        ServingError: the URL cannot be used.
    """
    try:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
    except ValueError:
        parts, tls, port = urlsplit(""), False, 0
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain = all("!" <= sign <= "~" for sign in target + (parts.hostname or ""))
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ServingError(
            "events cannot be sent there",
            where="--events-url",
            found=repr(url),
            expected="a URL such as http://host:port/path",
        )
    return parts.hostname, port, tls, target
