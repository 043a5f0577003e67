"""The little of a Kubernetes API that Helm's `lookup` asks."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

_KINDS = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": "apps/v1",
    "resources": [
        {"name": "statefulsets", "kind": "StatefulSet", "namespaced": True, "verbs": ["get"]}
    ],
}
_NOTHING = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}


@contextmanager
def api_with(stateful_sets: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """Serve StatefulSets by their name; lend a kubeconfig."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            path, _, name = self.path.partition("?")[0].partition("/statefulsets/")
            found = _KINDS if path == "/apis/apps/v1" else stateful_sets.get(name)
            content = json.dumps(found or {**_NOTHING, "code": 404}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        one = {"server": f"http://127.0.0.1:{server.server_port}"}
        told = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": one}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
            "users": [{"name": "here", "user": {}}],
            "current-context": "here",
        }
        file = folder / "kubeconfig"
        file.write_text(yaml.safe_dump(told))
        yield file
        server.shutdown()
