"""What surrounds the rollout controller on a cluster, small enough for a test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for helpers in ("deploy", "rollout"):
    sys.path.append(str(Path(__file__).parents[1] / "unit" / helpers))

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def get(url: str) -> tuple[int, str]:
    """Return status and content of a page; status 0 if nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def until(true: Callable[[], Any], why: Callable[[], str], seconds: float = DEADLINE) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


@contextmanager
def process(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program, with its output in a file, and end it with all that it started."""
    with log.open("w") as output:
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Run a real MLflow server; give its URL."""
    port, log = free_port(), folder / "mlflow.log"
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--host", "127.0.0.1"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with process(command, log, MLFLOW_DISABLE_TELEMETRY="true"):
        url = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{url}/health")[0] == 200, log.read_text)
        yield url


def statuses(url: str) -> dict[str, Any]:
    """Return what the controller's page says of each workload."""
    status, text = get(f"{url}/status")
    return {one["workload"]: one for one in json.loads(text)["workloads"]} if status == 200 else {}
