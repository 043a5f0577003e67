"""A server that speaks enough of Redis' protocol for hashes, in memory."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Handler(socketserver.StreamRequestHandler):
    server: TinyRedis

    def handle(self) -> None:
        while head := self.rfile.readline():
            parts = []
            for _ in range(int(head[1:])):
                length = int(self.rfile.readline()[1:])
                parts.append(self.rfile.read(length + 2)[:-2])
            self.wfile.write(self.server.answer(*parts))


class TinyRedis(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hashes: dict[bytes, dict[bytes, bytes]] = {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def answer(self, command: bytes, *arguments: bytes) -> bytes:
        name = command.upper()
        if name == b"PING":
            return b"+PONG\r\n"
        if name == b"CLIENT":
            return b"+OK\r\n"
        if name == b"HSET":
            key, *pairs = arguments
            self.hashes.setdefault(key, {}).update(zip(pairs[::2], pairs[1::2], strict=True))
            return b":%d\r\n" % (len(pairs) // 2)
        if name == b"HMGET":
            key, *names = arguments
            values = [self.hashes.get(key, {}).get(name) for name in names]
            texts = [b"$-1\r\n" if v is None else b"$%d\r\n%s\r\n" % (len(v), v) for v in values]
            return b"*%d\r\n%s" % (len(values), b"".join(texts))
        return b"-ERR unknown command '%s'\r\n" % command


@contextmanager
def tiny_redis() -> Iterator[TinyRedis]:
    with TinyRedis() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
