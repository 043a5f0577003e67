"""A server that answers queries as Prometheus does, or as what stands in its place may."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}


@dataclass
class Answers:
    """What is answered next, and what was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    content: bytes = json.dumps(EMPTY).encode()
    queries: list[dict[str, str]] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    late: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def say(self, content: Any, status: int = 200, **headers: str) -> None:
        """Answer with this JSON, or these bytes."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.content, self.status = raw, status
        self.headers = {"Content-Type": "application/json", **told}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Answers

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answers.queries.append(dict(parse_qsl(form)))
        self.answers.authorization.append(self.headers.get("Authorization", ""))
        if not self.answers.status:
            self.answers.late.wait(30)
            self.close_connection = True
            return
        self.send_response(self.answers.status)
        for name, value in self.answers.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.answers.content)))
        self.end_headers()
        self.wfile.write(self.answers.content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def prometheus_server() -> Iterator[Answers]:
    """Run the server on loopback."""
    answers = Answers()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"answers": answers}))
    server.daemon_threads = True
    answers.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield answers
    finally:
        answers.late.set()
        server.shutdown()
        thread.join()
        server.server_close()
