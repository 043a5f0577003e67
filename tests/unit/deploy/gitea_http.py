"""The small Gitea behind HTTP, with real git beside its REST API."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_gitea import TOKEN, FakeGitea

_API = "/api/v1/repos/owner/deploy"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    gitea: FakeGitea

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def serve(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        instead = self.gitea.broken.get(f"{self.command} {path}")
        if instead:
            self._break(*instead)
        elif path.startswith("/owner/deploy.git/"):
            self._git(path, body)
        elif self.headers.get("Authorization") != f"token {TOKEN}":
            self._json(401, {"message": f"invalid username, password or token {TOKEN}"})
        elif not path.startswith(_API):
            self._json(404, {"message": "not found"})
        else:
            below = path.removeprefix(_API).removeprefix("/")
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            with self.gitea.lock:
                sent = json.loads(body) if body else None
                self._json(*self.gitea.answer(self.command, below, query, sent))

    do_GET = do_POST = do_PATCH = serve  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _break(self, status: int, content: bytes) -> None:
        if status:
            self._send(status, content, {"Content-Type": "text/html"})
        else:
            self.gitea.over.wait()
            self.close_connection = True

    def _git(self, path: str, body: bytes) -> None:
        """Let git's own CGI program answer."""
        scheme, _, basic = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or base64.b64decode(basic).decode().partition(":")[2] != TOKEN:
            self._send(401, b"", {"WWW-Authenticate": 'Basic realm="Gitea"'})
            return
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.gitea.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PATH_INFO": path.removeprefix("/owner/deploy.git"),
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "owner",
        }
        with self.gitea.lock:
            self.gitea.follow()
            command = ["git", "http-backend"]
            done = subprocess.run(
                command, input=body, env=environment, capture_output=True, check=False
            )
            self.gitea.follow()
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._send(int(fields.pop("Status", "200").split()[0]), content, fields)

    def _json(self, status: int, content: Any, more: dict[str, str] | None = None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self._send(status, body, {"Content-Type": "application/json", **(more or {})})

    def _send(self, status: int, content: bytes, fields: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""])
        self.wfile.write(head.encode() + content)  # at once, or the other end waits to acknowledge


@contextmanager
def gitea_server(folder: Path) -> Iterator[FakeGitea]:
    """Run a server with one empty repository, owner/deploy, on loopback."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    gitea = FakeGitea(folder)
    handler = type("Bound", (Handler,), {"gitea": gitea})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    gitea.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield gitea
    finally:
        gitea.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
