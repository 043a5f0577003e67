"""The controller's HTTP page: whether it lives, its metrics, what it makes of each workload."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from millrace.errors import MillraceError
from serving.rollout.board import Board
from serving.rollout.exposition import BoardMetrics

_TEXT = "text/plain; charset=utf-8"
_Answer = tuple[int, bytes, str]


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds that a connection may be idle
    board: Board

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the log is for what the controller does."""

    def do_GET(self) -> None:
        """Answer."""
        status, content, kind = self._answer(urlsplit(self.path).path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, path: str) -> _Answer:
        match path:
            case "/healthz":
                why = self.board.stuck()
                return 503 if why else 200, f"{why or 'ok'}\n".encode(), _TEXT
            case "/metrics":
                content, kind = BoardMetrics(self.board).page(self.headers.get("Accept", ""))
                return 200, content, kind
            case "/status":
                told = [one.model_dump(mode="json") for one in self.board.statuses()]
                return 200, json.dumps({"workloads": told}).encode(), "application/json"
            case _:
                return 404, b"there are /healthz, /metrics and /status\n", _TEXT


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing of a client that went away."""


@contextmanager
def page(board: Board, port: int, host: str = "") -> Iterator[int]:
    """Serve a board over HTTP for a while; give the port.

    Args:
        board: what is told.
        port: where; 0 takes a free one.
        host: address to listen at; empty for every one.

    Raises:
        MillraceError: the port cannot be had.
    """
    handler = type("_BoardHandler", (_Handler,), {"board": board})
    try:
        server = _Server((host, port), handler)
    except OSError as error:
        raise MillraceError(
            f"the page of the rollout controller cannot be served: {error.strerror}",
            where=f"port {port}",
            remedy="set MILLRACE_ROLLOUT_PORT to a free one",
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="page", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
