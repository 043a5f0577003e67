"""The receiver of events, over one HTTP/1.1 connection that is kept.

Events go one a request, in CloudEvents' binary mode, as KServe's logger sends them; several
requests may be on their way before the first is answered. A receiver whose answers carry
`Accept: application/cloudevents-batch+json` (RFC 9110, 12.5.1: what it would like next) gets them
in batches, which costs a fraction.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from millrace.errors import ServingError
from serving.predictor.event_shape import BATCH, Event, EventShape

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK = 65_536
_HEAD = re.compile(rb"HTTP/(1\.[01]) (\d{3})")
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,18})[ \t]*\r$")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:.*chunked")
_CLOSES = re.compile(rb"(?im)^connection:.*close")
_BATCHES = re.compile(rb"(?im)^accept:.*" + re.escape(BATCH.encode()))


class SinkDown(Exception):  # noqa: N818
    """The receiver cannot be reached: nothing of what was to be sent was."""


class EventSink:
    """Sends events to one URL, one call at a time."""

    def __init__(self, url: str, shape: EventShape, timeout: float) -> None:
        """Set up, without connecting.

        Args:
            url: http or https.
            shape: what events look like.
            timeout: seconds that connecting, and each answer, may take.

        Raises:
            ServingError: the URL cannot be used.
        """
        self._host, self._port, self._tls, target = _parts(url)
        self._shape = shape
        self._timeout = timeout
        self._stream: _Stream | None = None
        self._batches = False
        self._pipelines = False
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._start = f"POST {target} HTTP/1.1\r\nhost: {host}:{self._port}\r\n".encode()

    async def send(self, events: Sequence[Event]) -> tuple[int, int]:
        """Send the first of some events, as many as the receiver takes at once.

        Returns:
            How many of them, from the first on, are done with, and how many of these it took. One
            that may or may not have arrived is done with, for none shall arrive twice.

        Raises:
            SinkDown: there is no connection to it.
        """
        if self._stream is None:
            self._pipelines = False
            self._stream = await self._connect()
        if self._batches:
            body = b"[%b]" % b",".join(map(self._shape.structured, events))
            head = b"content-type: %b; charset=UTF-8\r\n" % BATCH.encode()
            taken = await self._exchange(self._stream, [(head, body)])
            return len(events), len(events) * taken
        chosen = events if self._pipelines else events[:1]
        requests = [(self._shape.binary(event), self._shape.data(event)) for event in chosen]
        return len(chosen), await self._exchange(self._stream, requests)

    def close(self) -> None:
        """End the connection."""
        if self._stream is not None:
            self._stream[1].transport.abort()
            self._stream = None

    async def _connect(self) -> _Stream:
        context = ssl.create_default_context() if self._tls else None
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.open_connection(self._host, self._port, ssl=context)
        except (OSError, TimeoutError) as error:
            raise SinkDown(str(error) or "no connection in time") from error

    async def _exchange(self, stream: _Stream, requests: list[tuple[bytes, bytes]]) -> int:
        """Send requests, headers and body each; return how many were answered with success."""
        taken = 0
        reader, writer = stream
        try:
            writer.write(
                b"".join(
                    b"%b%bcontent-length: %d\r\n\r\n%b" % (self._start, head, len(body), body)
                    for head, body in requests
                )
            )
            for _ in requests:
                async with asyncio.timeout(self._timeout):
                    status, keeps = await self._answer(reader)
                taken += 200 <= status < 300
                if not keeps:
                    self.close()
                    break
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
            self.close()
        return taken

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bool]:
        """Return the status of the next answer, and whether the connection goes on after it.

        Raises:
            EOFError: the connection ended.
            ValueError: it is no HTTP.
            OSError, LimitOverrunError: the connection broke, or the headers have no end.
        """
        status, version = 100, b""
        while status < 200:
            head = await reader.readuntil(b"\r\n\r\n")
            match = _HEAD.match(head)
            if match is None:
                raise ValueError("no HTTP")
            version, status = match[1], int(match[2])
        keeps = version == b"1.1" and not _CLOSES.search(head)
        keeps = await _skip_body(reader, head, status) and keeps
        self._pipelines = keeps
        if status < 300:
            self._batches = _BATCHES.search(head) is not None
        return status, keeps


async def _skip_body(reader: asyncio.StreamReader, head: bytes, status: int) -> bool:
    """Read over the body of an answer; return False if only the connection's end ends it."""
    length = _LENGTH.search(head)
    if _CHUNKED.search(head):
        while size := int((await reader.readline()).partition(b";")[0], 16):
            await _skip(reader, size + 2)
        while (await reader.readline()).strip():
            pass
    elif length is not None:
        await _skip(reader, int(length[1]))
    else:
        return status in (204, 304)
    return True


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size > 0:
        part = await reader.read(min(size, _CHUNK))
        if not part:
            raise EOFError("the answer ended early")
        size -= len(part)


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
