"""Real collector processes."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.logger_events import Sent
from tests.integration.predictors import DEADLINE, ROOT, free_ports, wait_for

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Running:
    """A collector process, and ways to talk to it."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, sent: Sent = ({}, b"")) -> Answer:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, sent[1] or None, sent[0])
            answer = connection.getresponse()
            headers = {name.lower(): text for name, text in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def post(self, *sent: Sent) -> list[int]:
        return [self.ask("POST", "/", one)[0] for one in sent]

    def metric(self, sample: str) -> float:
        page = self.ask("GET", "/metrics")[2].decode()
        [line] = [line for line in page.splitlines() if line.startswith(f"millrace_{sample} ")]
        return float(line.split()[-1])

    def kept(self, file: str = "models/pumps.jsonl") -> list[dict[str, Any]]:
        path = self.folder / file
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def logs(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log_file.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def is_alive(self) -> bool:
        assert self.process.poll() is None, self.log_file.read_text()
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def stop(self) -> int:
        """End it as Kubernetes does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)


@contextmanager
def collector(
    folder: Path, *arguments: str, command: tuple[str, ...] = (), **environment: str
) -> Iterator[Running]:
    """Run a collector while it is needed; `command` runs it, with the command after it."""
    [port] = free_ports(1)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"collector-{port}.log")
    order = [*command, sys.executable, "-m", "serving.events"]
    options = [f"--port={port}", f"--folder={folder}", *arguments]
    path = {"PATH": "/usr/bin:/bin"}
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*order, *options], cwd=ROOT, env={**path, **environment}, stderr=said
        )
    running = Running(process, port, folder, log)
    try:
        wait_for(running.is_alive, "the collector answers")
        yield running
    finally:
        if process.poll() is None:
            running.kill()
