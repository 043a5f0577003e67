"""A real MLflow server, and a connection to it that is lost at each request of a registration."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from millrace.errors import RegistryError
from millrace.registry import Registration, open_registry
from millrace.settings import Settings

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module")
def mlflow_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    database, artifacts = f"sqlite:///{folder}/server.db", str(folder / "artifacts")
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--backend-store-uri", database, "--artifacts-destination", artifacts]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 120
        while not answers(port):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def relay(port: int, *, lost: int, answered: bool) -> Iterator[tuple[int, list[str]]]:
    """Pass requests on to a port, but hang up at one: before it arrives, or before its answer."""
    paths: list[str] = []

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            paths.append(f"{self.command} {self.path.partition('?')[0]}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if len(paths) - 1 == lost and not answered:
                self.close_connection = True
                return
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if len(paths) - 1 == lost:
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, paths
        finally:
            server.shutdown()
            thread.join()


def register(home: Path, port: int, made, name: str) -> Registration:
    bundle = made.bundle()
    card = bundle.card.model_copy(update={"workload": name})
    manifest = bundle.manifest.model_copy(update={"workload": name})
    named = type(bundle)(bundle.digest, bundle.folder, manifest, card)
    settings = Settings(home=home, mlflow_uri=f"http://127.0.0.1:{port}", timeout=30)
    return open_registry(settings).register(
        named,
        f"s3://millrace/bundles/sha256/{bundle.digest}",
        run="run-1",
        params=card.training,
        evaluation=made.evaluation,
        verdict=made.verdict,
    )


def test_a_bundle_is_registered_with_a_server(mlflow_port, made, tmp_path):
    done = register(tmp_path, mlflow_port, made, "pumps")
    assert (done.outcome, done.version, done.champion) == ("registered", 1, True)
    registry = open_registry(Settings(mlflow_uri=f"http://127.0.0.1:{mlflow_port}"))
    assert registry.champion("pumps") == done.digest
    assert [c.metrics for c in registry.candidates("pumps")] == [{"roc_auc": 0.8}]


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
def test_a_connection_lost_at_any_request_leaves_nothing_half_registered(
    mlflow_port, made, tmp_path, answered
):
    with relay(mlflow_port, lost=-1, answered=True) as (port, paths):
        register(tmp_path, port, made, f"whole-{answered}".lower())
    assert len(paths) > 8
    done = 0
    for lost in range(len(paths)):
        name = f"lost-{lost}-{answered}".lower()
        with relay(mlflow_port, lost=lost, answered=answered) as (port, _):
            try:
                assert register(tmp_path, port, made, name).champion
                done += 1  # what was lost could be looked up
            except RegistryError as error:
                assert "\n" not in str(error)
        again = register(tmp_path, mlflow_port, made, name)
        assert (again.outcome, again.version, again.champion) == ("registered", 1, True)
        registry = open_registry(Settings(mlflow_uri=f"http://127.0.0.1:{mlflow_port}"))
        assert [candidate.version for candidate in registry.candidates(name)] == [1]
    assert done <= 1
