"""The predictor as a process: how it starts, what it refuses, how it ends."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.integration.predictors import (
    DEADLINE,
    MODEL,
    ROOT,
    Predictor,
    ServedBundle,
    make_bundle,
    predictor,
    row,
    start_predictor,
    wait_for,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


@pytest.fixture(scope="module")
def slow_bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "slow", slow=40)


def _refusal(running: Predictor) -> str:
    assert running.process.wait(DEADLINE) == 1
    return str(running.logs("cannot_serve")[0]["message"])


def test_another_bundle_than_the_digest_names_is_not_served(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    other = ServedBundle(bundle.folder, "0" * 64)
    assert "damaged" in _refusal(start_predictor(other, tmp_path))


@pytest.mark.parametrize("name", ["model.onnx", "card.json", "lookup.json", "reference.parquet"])
def test_a_bundle_with_a_changed_file_is_not_served(tmp_path: Path, name: str) -> None:
    changed = make_bundle(tmp_path / "bundle")
    with (changed.folder / name).open("ab") as file:
        file.write(b" ")
    assert name in _refusal(start_predictor(changed, tmp_path))


def test_a_folder_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere = ServedBundle(tmp_path / "nowhere", "0" * 64)
    assert "manifest.json" in _refusal(start_predictor(nowhere, tmp_path))


def test_a_port_that_is_taken_is_told(bundle: ServedBundle, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start_predictor(bundle, tmp_path, f"--http-port={port}")
        assert str(port) in _refusal(running)


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--latency=50", "--latency"),
        ("--grpc-port=0", "--grpc-port"),
        ("--max-request-size=1", "--max-request-size"),
        ("--defaults=[1]", "--defaults"),
        ('--defaults={"presure": 1}', "'presure'"),
        ('--defaults={"site": 1}', "'site'"),
        ("--digest=main", "--digest"),
    ],
)
def test_a_wrong_argument_is_named(
    bundle: ServedBundle, tmp_path: Path, argument: str, told: str
) -> None:
    assert told in _refusal(start_predictor(bundle, tmp_path, argument))


def _ask_until_refused(port: int, answered: list[int], lost: list[str]) -> None:
    """Send one request after the other, until nobody listens any more."""
    body = json.dumps(row()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    while True:
        try:
            if connection.sock is None:
                connection.connect()
        except ConnectionRefusedError:
            return
        try:
            connection.request("POST", f"/v2/models/{MODEL}/infer", body)
            answer = connection.getresponse()
            answer.read()
            answered.append(answer.status)
        except OSError as error:
            lost.append(repr(error))
            return


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_is_lost_when_it_is_told_to_stop(
    bundle: ServedBundle, tmp_path: Path, workers: int
) -> None:
    answered: list[int] = []
    lost: list[str] = []
    with predictor(bundle, tmp_path, f"--workers={workers}") as running:
        arguments = (running.http, answered, lost)
        clients = [threading.Thread(target=_ask_until_refused, args=arguments) for _ in range(4)]
        for client in clients:
            client.start()
        wait_for(lambda: len(answered) > 100, "the load runs")
        assert running.stop() == 0
        for client in clients:
            client.join()
    assert not lost
    assert set(answered) == {200}


def test_while_it_stops_it_answers_but_says_that_it_is_not_ready(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with predictor(bundle, tmp_path, "--grace=5s") as running:
        running.process.send_signal(signal.SIGTERM)
        wait_for(lambda: running.ask("/v2/health/ready").status == 503, "readiness is gone")
        assert running.ask("/v2/health/live").status == 200
        assert running.ask(f"/v2/models/{MODEL}/ready").status == 503
        answer = running.infer(row())
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        running.process.send_signal(signal.SIGTERM)  # a second one ends the grace
        assert running.process.wait(4) == 0


def test_a_slow_model_keeps_health_answers_alive_and_refuses_what_it_cannot_take(
    slow_bundle: ServedBundle, tmp_path: Path
) -> None:
    statuses: list[int] = []
    retries: list[str | None] = []
    with predictor(slow_bundle, tmp_path, "--max-queued=2") as running:

        def ask() -> None:
            answer = running.infer(row())
            statuses.append(answer.status)
            if answer.status == 503:
                retries.append(answer.headers.get("retry-after"))

        clients = [threading.Thread(target=ask) for _ in range(20)]
        for client in clients:
            client.start()
        began = time.monotonic()
        assert running.ask("/v2/health/live").status == 200
        assert time.monotonic() - began < DEADLINE
        for client in clients:
            client.join()
        assert set(statuses) == {200, 503}
        assert set(retries) == {"1"}
        assert running.logs("refused")


def test_more_connections_than_allowed_are_refused(bundle: ServedBundle, tmp_path: Path) -> None:
    with predictor(bundle, tmp_path, "--max-connections=4") as running:
        held = [socket.create_connection(("127.0.0.1", running.http)) for _ in range(4)]
        wait_for(lambda: running.ask("/v2/health/live").status == 503, "it is full")
        assert running.infer(row()).status == 503
        assert running.metric('millrace_predictor_requests_total{code="503",protocol="v2"}') == 1
        assert running.logs("refused")
        for connection in held:
            connection.close()
        wait_for(lambda: running.ask("/v2/health/live").status == 200, "there is room again")


def _children(running: Predictor) -> set[int]:
    pid = running.process.pid
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_no_worker_outlives_its_killed_parent(bundle: ServedBundle, tmp_path: Path) -> None:
    with predictor(bundle, tmp_path, "--workers=2") as running:
        workers = _children(running)
        running.process.kill()
        running.process.wait()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "all are gone")


def test_a_killed_worker_is_replaced_and_what_it_counted_stays(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    def workers() -> set[int]:
        return _children(running)

    def is_ready() -> bool:
        return running.metric("millrace_predictor_ready") == 2

    requests = 'millrace_predictor_requests_total{code="200",protocol="v2"}'
    with predictor(bundle, tmp_path, "--workers=2") as running:
        wait_for(is_ready, "both workers are ready")
        for _ in range(50):
            assert running.infer(row()).status == 200
        assert running.metric(requests) == 50
        assert running.metric('millrace_predictor_scores_total{bin="2"}') == 50
        before = workers()

        os.kill(min(before), signal.SIGKILL)

        wait_for(lambda: len(workers() - before) == 1, "another worker has begun")
        wait_for(is_ready, "both workers are ready again")
        for _ in range(50):
            assert running.infer(row()).status == 200
        assert running.metric(requests) == 100
        assert running.logs("worker_died")
        left = workers()
        assert running.stop() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in left)


def test_a_bundle_that_no_worker_can_serve_ends_the_parent_too(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    other = ServedBundle(bundle.folder, "0" * 64)
    assert "damaged" in _refusal(start_predictor(other, tmp_path, "--workers=2"))


def test_it_ends_when_the_process_that_it_belongs_to_is_gone(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        running = start_predictor(bundle, tmp_path, MILLRACE_STEP_PARENT=str(owner.pid))
        running.wait_until_ready()
        owner.kill()
    assert running.process.wait(DEADLINE) == 1


def test_it_needs_nothing_that_the_serving_role_does_not_have(tmp_path: Path) -> None:
    absent = "feast torch pandas pyarrow kfp mlflow sklearn scipy fsspec onnx fastapi rich typer"
    program = f"""
import sys
for name in {absent.split()!r}:
    sys.modules[name] = None  # importing it raises ImportError
import serving.predictor.__main__, serving.predictor.process, serving.predictor.workers
import serving.predictor.lookup.redis
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_each_answer_is_a_line_of_the_log_if_asked(bundle: ServedBundle, tmp_path: Path) -> None:
    with predictor(bundle, tmp_path, "--log-level=debug") as running:
        running.infer({**row(), "id": "seen"})
        wait_for(lambda: running.logs("answered"), "the line is written")
        line = running.logs("answered")[0]
    assert (line["request_id"], line["status"], line["model"]) == ("seen", 200, MODEL)


def test_a_log_that_takes_no_line_costs_no_answer(bundle: ServedBundle, tmp_path: Path) -> None:
    with predictor(bundle, tmp_path, stderr="/dev/full") as running:
        answer = running.predict({"pump": "p1"})  # degraded, which is worth a line
        assert (answer.status, answer.json["parameters"]["degraded"]) == (200, True)


@pytest.mark.slow
def test_a_request_that_never_ends_is_answered_and_given_up(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    def begun(start: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", running.http), timeout=30)
        connection.sendall(start)
        return connection

    def answer(connection: socket.socket) -> bytes:
        with connection, connection.makefile("rb") as stream:
            return stream.read()  # to the end: the connection is closed

    infer = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\nhost: slow\r\n".encode()
    with predictor(bundle, tmp_path, "--max-request-size=64KiB") as running:
        head = begun(b"GET /v2 HTTP/1.1\r\nhost: slow")
        body = begun(infer + b"content-length: 100\r\n\r\n")
        part = begun(infer + b'content-length: 100\r\n\r\n{"inputs":')
        large = begun(infer + b"content-length: 99999\r\nconnection: close\r\n\r\n{")
        assert b" 408 " in answer(head)
        for connection in (body, part):
            told = answer(connection)
            assert b" 408 " in told
            assert b"\r\nconnection: close\r\n" in told
            assert b'"the request did not arrive in time","pointer":""' in told
        assert b" 413 " in answer(large)
        counted = 'millrace_predictor_requests_total{code="408",protocol="v2"}'
        assert running.metric(counted) == 2
