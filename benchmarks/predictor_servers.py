"""What the benchmarks of serving share: a bundle, its requests, servers, and load on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millrace.settings import Settings
from millrace.storage import open_store
from millrace.workload import load_workload
from millrace.workload.code import code_revision
from serving.local import ports
from serving.traffic.closed_loop import Load
from serving.traffic.encoding import Row, grpc_message, post, v2_body
from serving.traffic.rows import Rows, read_rows

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
NAME = "churn"
ROWS = 256
"""Different rows that requests are made of."""
SERVER_CORE, CLIENT_CORE = (min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0)))
_WAIT = 60.0
_SCHEDULED = 2
"""Linux' clock of the time that a process ran; with its number it is clock_getcpuclockid(3)'s."""


@dataclass(frozen=True)
class Bundle:
    """A registered bundle of the churn workload, made by `millrace run`."""

    home: Path
    folder: Path
    digest: str

    @property
    def settings(self) -> Settings:
        """Return the settings of the installation that made it."""
        return Settings(home=self.home)

    def rows(self) -> Rows:
        """Return its training rows and entities."""
        return read_rows(open_store(self.settings), self.digest)


def bundle() -> Bundle:
    """Return the bundle of the benchmarks, kept under build/bench as long as its code stays."""
    workload = ROOT / "workloads" / NAME
    home = BUILD / f"home-{code_revision(load_workload(workload))[:12]}"
    store = home / "store" / "bundles" / "sha256"
    if not store.is_dir() or not any(store.iterdir()):
        retrain(workload, home)
    first = min(store.iterdir(), key=lambda folder: folder.stat().st_mtime)
    return Bundle(home, first, first.name)


def retrain(workload: Path, home: Path, *options: str) -> None:
    """Run the retraining pipeline of a workload."""
    command = [str(Path(sys.executable).with_name("millrace")), "run", str(workload), *options]
    environment = {**os.environ, "MILLRACE_HOME": str(home)}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def made_venv(name: str, *, compiled: bool) -> Path:
    """Return the Python of a venv with requirements/NAME.txt, made at the first use.

    Args:
        name: name of the requirements file, and of the venv under build/.
        compiled: whether the installer compiles bytecode.
    """
    venv, locked = ROOT / "build" / name, ROOT / "requirements" / f"{name}.txt"
    stamp, python = venv / ".ready", venv / "bin" / "python"
    if not stamp.exists() or stamp.read_bytes() != locked.read_bytes():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "-p", sys.executable, venv], check=True)
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(python)]
        install += ["--compile-bytecode"] if compiled else []
        subprocess.run([*install, "-r", str(locked)], check=True)
        stamp.write_bytes(locked.read_bytes())
    return python


def serving_python() -> Path:
    """Return the Python of the serving role, in which the predictor runs."""
    return made_venv("serving", compiled=True)


class Server:
    """A server process on a core of its own."""

    def __init__(self, name: str, command: Sequence[str], port: int, grpc: int, **more: str):
        BUILD.mkdir(parents=True, exist_ok=True)
        self.name, self.port, self.grpc = name, port, grpc
        self.log = BUILD / f"{name}.log"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
        self.began = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=BUILD, start_new_session=True
            )
        os.sched_setaffinity(self.process.pid, {SERVER_CORE})

    def wait(self) -> float:
        """Wait until it is ready; return the seconds since its process was started."""
        url = f"http://127.0.0.1:{self.port}/v2/health/ready"
        while time.perf_counter() - self.began < _WAIT:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=1) as answer:
                    if answer.status == 200:
                        return time.perf_counter() - self.began
            except (urllib.error.URLError, OSError):
                time.sleep(0.005)
        self.stop()
        raise SystemExit(f"{self.name} does not get ready; see {self.log}")

    def processor(self) -> float:
        """Return the processor time that it took so far, in seconds, as exact as the kernel's."""
        return time.clock_gettime(~self.process.pid << 3 | _SCHEDULED)

    def stop(self) -> None:
        """End it and what it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:  # its number may be another's by now
                return
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, and that no outgoing connection will take meanwhile."""
    return ports.free_ports(count, set())


def predictor(made: Bundle, name: str = "ours", *options: str, **environment: str) -> Server:
    """Start our predictor."""
    http, grpc, metrics = free_ports(3)
    command = [
        *(str(serving_python()), "-m", "serving.predictor", f"--model-name={NAME}"),
        *(f"--model-dir={made.folder}", f"--digest={made.digest}", "--version=1"),
        *(f"--http-port={http}", f"--grpc-port={grpc}", f"--metrics-port={metrics}"),
        *options,
    ]
    environment = {"MILLRACE_HOME": str(made.home), **environment}
    return Server(name, command, http, grpc, **environment)


def peer(made: Bundle, name: str, python: str = sys.executable) -> Server:
    """Start a peer of benchmarks/peers."""
    http, grpc = free_ports(2)
    module = f"benchmarks.peers.{name}_app"
    command = [python, "-m", module, str(made.folder / "model.onnx"), str(http), str(grpc)]
    return Server(name, command, http, grpc)


@contextmanager
def running(*servers: Server) -> Iterator[dict[str, Server]]:
    """Wait for servers, and end them in the end."""
    try:
        for server in servers:
            server.wait()
        yield {server.name: server for server in servers}
    finally:
        for server in servers:
            server.stop()


def rest_requests(rows: Sequence[Row], types: dict[str, str], batch: int = 1) -> list[bytes]:
    """Return v2 requests of `batch` rows each."""
    path = f"/v2/models/{NAME}/infer"
    parts = [rows[at : at + batch] for at in range(0, len(rows) - batch + 1, batch)]
    return [post("127.0.0.1", path, v2_body(part, types)) for part in parts]


def grpc_requests(rows: Sequence[Row], types: dict[str, str]) -> list[bytes]:
    """Return gRPC messages of one row each."""
    return [grpc_message(NAME, [row], types) for row in rows]


def measure(
    server: Server,
    requests: list[bytes],
    *,
    protocol: str = "http",
    connections: int = 8,
    seconds: float = 1.5,
    rate: float = 0.0,
) -> dict[str, float]:
    """Load a server from another process and core.

    Args:
        server: whom.
        requests: what is sent, by turns.
        protocol: `http` or `grpc`.
        connections: requests under way at once.
        seconds: how long.
        rate: requests a second, over HTTP only; 0 for as many as are answered.

    Returns:
        rate: answers a second; p50, p95, p99: seconds; busy: share of its core that the client
        took; cpu: seconds of processor time that the server took for an answer.

    Raises:
        SystemExit: an answer was not 200 or OK.
    """
    port = server.port if protocol == "http" else server.grpc
    load = Load(port, requests, protocol, connections, seconds, CLIENT_CORE, rate)  # type: ignore[arg-type]
    before = server.processor()
    done = subprocess.run(
        [sys.executable, "-m", "serving.traffic.closed_loop"],
        input=load.as_json(),
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    if set(found["codes"]) != ({"200"} if protocol == "http" else {"OK"}):
        raise SystemExit(f"{server.name} answers {found['codes']}; see {server.log}")
    found["cpu"] = (server.processor() - before) / found["count"]
    return found


def first_answer(server: Server, request: bytes) -> float:
    """Return the first prediction of the answer to a v2 request."""
    body = request.partition(b"\r\n\r\n")[2]
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/v2/models/{NAME}/infer",
        body,
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return float(json.load(answer)["outputs"][0]["data"][0])
