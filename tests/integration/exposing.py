"""Pods that expose counters for a real Prometheus to scrape, each a real process."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cluster_stand_ins import free_port, get, process, until

_PROGRAM = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = Path(sys.argv[2]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def exposing(page: Path, port: int) -> Iterator[int]:
    """Serve a file as a metrics page; give the port."""
    command = [sys.executable, "-c", _PROGRAM, str(port), str(page)]
    with process(command, page.with_suffix(".log")):
        until(lambda: get(f"http://127.0.0.1:{port}")[0] == 200, lambda: "it does not start")
        yield port


@contextmanager
def prometheus(folder: Path, targets: Path) -> Iterator[str]:
    """Run a real Prometheus that scrapes each second; give its URL.

    Args:
        folder: where it keeps what it scrapes.
        targets: file that lists what it scrapes, read again whenever it changes.
    """
    if shutil.which("prometheus") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("prometheus is missing: .ci/run installs it")
        pytest.skip("prometheus is not installed")
    discovery = {"files": [str(targets)], "refresh_interval": "1s"}
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "pods", "file_sd_configs": [discovery]}],
    }
    file, port, log = folder / "prometheus.yml", free_port(), folder / "prometheus.log"
    file.write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=1h"]
    with process(command, log):
        url = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{url}/-/ready")[0] == 200, log.read_text)
        yield url


def scrape_these(targets: Path, pods: Mapping[int, Mapping[str, str]]) -> None:
    """Tell Prometheus what to scrape: by port, the labels that it adds."""
    content = [{"targets": [f"127.0.0.1:{port}"], "labels": told} for port, told in pods.items()]
    new = targets.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(targets)
