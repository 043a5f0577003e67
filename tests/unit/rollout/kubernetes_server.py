"""A Kubernetes API, as far as the controller asks it: lists of two kinds, by namespace."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ARM_LABEL = "serving.kserve.io/inferenceservice"
TOKEN = "t0ken-of-the-service-account"


def service(arm: str, replicas: int | None = 1) -> dict[str, Any]:
    """Return an InferenceService as the API tells it."""
    predictor = {} if replicas is None else {"minReplicas": replicas}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": arm, "namespace": "models", "uid": "1"},
        "spec": {"predictor": predictor},
    }


def pod(
    arm: str, digest: str, name: str = "a", *, ready: bool = True, phase: str = "Running"
) -> dict[str, Any]:
    """Return a pod of an arm as the API tells it."""
    return {
        "metadata": {"name": f"{arm}-predictor-{name}", "labels": {ARM_LABEL: arm}},
        "spec": {
            "containers": [
                {"name": "queue-proxy"},
                {"name": "kserve-container", "args": ["--version=8", f"--digest={digest}"]},
            ]
        },
        "status": {
            "phase": phase,
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": "True" if ready else "False"},
            ],
        },
    }


@dataclass
class Cluster:
    """What there is, by namespace, and what was asked."""

    services: dict[str, list[Any]] = field(default_factory=dict)
    pods: dict[str, list[Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """HTTP status by namespace."""
    broken: bytes = b""
    """Answered instead of everything."""
    url: str = ""

    def answer(self, path: str, token: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        self.asked.append(path)
        *_, namespace, kind = parts.path.split("/")
        if token != f"Bearer {TOKEN}":
            return 401, b"{}"
        if namespace in self.refused:
            return self.refused[namespace], b'{"kind": "Status", "message": "forbidden"}'
        items = (self.services if kind == "inferenceservices" else self.pods).get(namespace, [])
        if selector := parse_qs(parts.query).get("labelSelector"):
            items = [one for one in items if selector[0] in one["metadata"]["labels"]]
        return 200, self.broken or json.dumps({"kind": "List", "items": items}).encode()

    def kubeconfig(self, file: Path) -> Path:
        """Write how to reach it, as kubectl keeps it."""
        named = {"name": "it"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{**named, "cluster": {"server": self.url}}],
            "users": [{**named, "user": {"token": TOKEN}}],
            "contexts": [{**named, "context": {"cluster": "it", "user": "it"}}],
        }
        file.write_text(json.dumps(content))
        return file


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def do_GET(self) -> None:
        status, content = self.cluster.answer(self.path, self.headers.get("Authorization", ""))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def kubernetes_server() -> Iterator[Cluster]:
    """Run the API on loopback."""
    cluster = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"cluster": cluster}))
    server.daemon_threads = True
    cluster.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
