"""One HTTP/2 connection that carries unary gRPC calls of one method, for load.

grpc.aio takes as much processor time a call as a good server does, so on two cores it would be
what is measured. This knows the frames of RFC 9113 that a call needs and no more: headers are
written once (RFC 7541: the first call fills the server's table, the others point into it), and of
what comes back only whether there was a message is read, not the headers.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import cast

Done = Callable[[bool], None]
"""Called once a call ended, with whether it brought a message."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM = _ACK = 1
_END_HEADERS = 4
_LARGEST = 2**31 - 1
_FIRST_WINDOW = 65_535
_FRAME = 16_384
"""Largest payload of a frame that every server takes."""


class GrpcConnection(asyncio.Protocol):
    """Calls over one connection, any number at a time.

    Attributes:
        lost: set when the connection is gone; calls that waited ended without a message.
    """

    def __init__(self, authority: str, path: str = "/inference.GRPCInferenceService/ModelInfer"):
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first, self._next = _header_blocks(authority, path)
        self._stream = -1
        self._window = _FIRST_WINDOW
        self._waiting: deque[tuple[bytes, Done]] = deque()
        self._calls: dict[int, tuple[Done, list[bool]]] = {}
        self._buffer = b""

    def call(self, message: bytes, done: Done) -> None:
        """Make a call with a serialized message."""
        self._waiting.append((message, done))
        self._send_what_fits()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the server, and let it send as much as it likes."""
        self._transport = cast(asyncio.Transport, transport)
        settings = struct.pack(">HIHI", 1, 0, 4, _LARGEST)  # no header table; a large window
        more = struct.pack(">I", _LARGEST - _FIRST_WINDOW)
        self._transport.write(
            _PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW, 0, 0, more)
        )

    def data_received(self, data: bytes) -> None:
        """Read whole frames."""
        buffer = self._buffer + data if self._buffer else data
        at, size = 0, len(buffer)
        while size - at >= 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            end = at + 9 + length
            if end > size:
                break
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self._read(buffer[at + 3], buffer[at + 4], stream, buffer[at + 9 : end])
            at = end
        self._buffer = buffer[at:]

    def connection_lost(self, _error: Exception | None) -> None:
        """End all calls without a message."""
        calls, self._calls = self._calls, {}
        if not self.lost.done():
            self.lost.set_result(None)
        for done, _ in calls.values():
            done(False)
        while self._waiting:
            self._waiting.popleft()[1](False)

    def _read(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in (_DATA, _HEADERS):
            call = self._calls.get(stream)
            if call is not None and kind == _DATA and payload:
                call[1][0] = True
            if call is not None and flags & _END_STREAM:
                self._end(stream)
        elif kind == _RESET and stream in self._calls:
            self._calls[stream][1][0] = False
            self._end(stream)
        elif kind == _WINDOW and not stream:
            self._window += int.from_bytes(payload, "big")
            self._send_what_fits()
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            answer = payload if kind == _PING else b""
            self._transport.write(_frame(kind, _ACK, 0, answer))
        elif kind == _GO_AWAY:
            self._transport.close()

    def _end(self, stream: int) -> None:
        done, heard = self._calls.pop(stream)
        done(heard[0])

    def _send_what_fits(self) -> None:
        while self._waiting and len(self._waiting[0][0]) + 5 <= self._window:
            message, done = self._waiting.popleft()
            if self.lost.done():
                done(False)
                continue
            self._stream += 2
            block = self._next if self._stream > 1 else self._first
            body = b"\0" + struct.pack(">I", len(message)) + message
            self._window -= len(body)
            self._calls[self._stream] = (done, [False])
            parts = [_frame(_HEADERS, _END_HEADERS, self._stream, block)]
            for start in range(0, len(body), _FRAME):
                last = start + _FRAME >= len(body)
                piece = body[start : start + _FRAME]
                parts.append(_frame(_DATA, _END_STREAM if last else 0, self._stream, piece))
            self._transport.write(b"".join(parts))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def _header_blocks(authority: str, path: str) -> tuple[bytes, bytes]:
    """Return the headers of the first call, and of those after it, which the table holds then."""

    def text(value: str) -> bytes:
        encoded = value.encode()
        assert len(encoded) < 127, "a longer text needs a longer prefix"
        return bytes([len(encoded)]) + encoded

    post_http = b"\x83\x86"
    first = (
        post_http
        + (b"\x44" + text(path))
        + (b"\x41" + text(authority))
        + (b"\x5f" + text("application/grpc"))
        + (b"\x40" + text("te") + text("trailers"))
    )
    return first, post_http + bytes([0x80 | index for index in (65, 64, 63, 62)])
