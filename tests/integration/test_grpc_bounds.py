"""Nothing that clients do over gRPC takes memory without bound, or keeps others unanswered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.predictor.oip_messages import HEALTH_SERVICE, SERVICE, ModelInferRequest
from tests.integration.predictors import (
    MODEL,
    VERSION,
    Predictor,
    ServedBundle,
    make_bundle,
    predictor,
    wait_for,
)

INFER = f"/{SERVICE}/ModelInfer"
CHECK = f"/{HEALTH_SERVICE}/Check"
OPTIONS = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
Answer = tuple[grpc.StatusCode, str, dict[str, str]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


def message(rows: int = 1) -> bytes:
    inputs = [
        ("pressure", "FP32", {"fp32_contents": [1.0] * rows}),
        ("site", "BYTES", {"bytes_contents": [b"north"] * rows}),
    ]
    content: bytes = ModelInferRequest(
        model_name=MODEL,
        inputs=[
            {"name": name, "datatype": datatype, "shape": [rows, 1], "contents": contents}
            for name, datatype, contents in inputs
        ],
    ).SerializeToString()
    return content


@contextmanager
def channel_to(running: Predictor) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{running.grpc}", options=OPTIONS) as opened:
        yield opened


def ask(channel: grpc.Channel, content: bytes | None = None, method: str = INFER) -> Answer:
    """Return code, details and trailing metadata of the answer to a call."""
    call = channel.unary_unary(method)
    _, told = call.with_call(message() if content is None else content, timeout=60)
    return _told(told)


def asked(channel: grpc.Channel, content: bytes | None = None, method: str = INFER) -> Answer:
    """Return the same of any answer, refusals among them."""
    try:
        return ask(channel, content, method)
    except grpc.RpcError as error:
        return _told(error)


def _told(call: Any) -> Answer:
    return call.code(), call.details() or "", dict(call.trailing_metadata())


def counted(running: Predictor, code: int, protocol: str = "grpc") -> float:
    name = "millrace_predictor_requests_total"
    return running.metric(f'{name}{{code="{code}",protocol="{protocol}"}}')


@contextmanager
def stalled(channel: grpc.Channel, count: int, method: str = INFER) -> Iterator[list[Any]]:
    """Begin calls that do not send their message as long as this lasts."""
    over = threading.Event()

    def nothing_yet() -> Iterator[bytes]:
        over.wait()
        yield from ()

    try:
        yield [channel.stream_unary(method).future(nothing_yet()) for _ in range(count)]
    finally:
        over.set()


@contextmanager
def half_sent_bodies(running: Predictor, size: int, count: int) -> Iterator[None]:
    """Send bodies over REST of which one byte lacks."""
    head = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", running.http)) for _ in range(count)]
    for client in clients:
        client.sendall(head.encode() + b" " * (size - 1))
    try:
        yield
    finally:
        for client in clients:
            client.close()


def test_messages_count_among_the_bodies_that_are_held_at_once(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with (
        predictor(bundle, tmp_path, "--max-request-size=64KiB") as running,
        channel_to(running) as channel,
    ):
        with half_sent_bodies(running, 64 * 1024, count=8):
            wait_for(lambda: asked(channel)[0] is grpc.StatusCode.UNAVAILABLE, "no room is left")
            code, details, trailing = asked(channel)
            assert code is grpc.StatusCode.UNAVAILABLE
            assert "room" in details
            assert (trailing["retry-after"], trailing["x-model-version"]) == ("1", VERSION)
            assert asked(channel, b"", CHECK)[0] is grpc.StatusCode.OK, "health needs none"
        wait_for(lambda: asked(channel)[0] is grpc.StatusCode.OK, "there is room again")
        assert counted(running, 503) >= 2
        assert running.logs("refused")


def test_large_messages_that_come_at_once_take_less_memory_than_all_of_them_decoded(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    def most_memory() -> int:
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    with (
        predictor(bundle, tmp_path, "--latency=10s", "--max-rows=50000") as running,
        channel_to(running) as channel,
        ThreadPoolExecutor(16) as clients,
    ):
        large = message(rows=50_000)
        before = most_memory()
        assert asked(channel, large)[0] is grpc.StatusCode.OK
        for_one = most_memory() - before
        found = list(clients.map(lambda _: asked(channel, large)[0], range(16)))
        assert set(found) == {grpc.StatusCode.OK}
        assert most_memory() - before < 8 * for_one


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_a_message_that_is_too_large_is_refused_counted_and_logged(
    bundle: ServedBundle, tmp_path: Path, size: int
) -> None:
    with (
        predictor(bundle, tmp_path, "--max-request-size=64KiB") as running,
        channel_to(running) as channel,
    ):
        code, _, trailing = asked(channel, b"x" * size)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        if size < 2 * 64 * 1024:
            assert trailing["x-model-version"] == VERSION, "who refused"
        wait_for(lambda: counted(running, 413) == 1, "it is counted")
        assert running.logs("refused")
        assert asked(channel)[0] is grpc.StatusCode.OK


def test_a_call_without_a_message_is_told_so(bundle: ServedBundle, tmp_path: Path) -> None:
    with predictor(bundle, tmp_path) as running, channel_to(running) as channel:
        with pytest.raises(grpc.RpcError) as told:
            channel.stream_unary(INFER)(iter(()), timeout=20)
        assert _told(told.value)[0] is grpc.StatusCode.INVALID_ARGUMENT
        assert counted(running, 400) == 1


@pytest.mark.parametrize("method", [INFER, CHECK])
def test_calls_that_do_not_bring_their_message_keep_no_others_from_being_answered(
    bundle: ServedBundle, tmp_path: Path, method: str
) -> None:
    with (
        predictor(bundle, tmp_path, "--max-queued=8") as running,
        channel_to(running) as one,
        channel_to(running) as other,
        stalled(one, 40, method) as calls,
    ):
        assert asked(other, b"", CHECK)[0] is grpc.StatusCode.OK
        assert asked(other, b"", f"/{SERVICE}/ServerLive")[0] is grpc.StatusCode.OK
        wait_for(lambda: asked(other)[0] is grpc.StatusCode.OK, "it answers again", deadline=10)
        wait_for(lambda: sum(call.done() for call in calls) >= 32, "most are refused")
        found = [_told(call) for call in calls if call.done()]
        assert {code for code, _, _ in found} == {grpc.StatusCode.UNAVAILABLE}
        assert {trailing["retry-after"] for _, _, trailing in found} == {"1"}
        assert counted(running, 503) >= (len(found) if method == INFER else 0)


def test_calls_that_do_not_bring_their_message_do_not_hold_up_the_end(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with (
        predictor(bundle, tmp_path, "--max-queued=8") as running,
        channel_to(running) as channel,
        stalled(channel, 4) as calls,
    ):
        running.process.terminate()
        wait_for(lambda: running.process.poll() is not None, "it ends", deadline=9)
        assert running.process.returncode == 0
        assert {call.code() for call in calls} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        assert running.logs("refused")


def test_more_connections_over_grpc_than_allowed_are_closed(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    def answers() -> bool:
        with channel_to(running) as channel:
            return asked(channel)[0] is grpc.StatusCode.OK

    with predictor(bundle, tmp_path, "--max-connections=4") as running:
        held = [socket.create_connection(("127.0.0.1", running.grpc)) for _ in range(4)]
        wait_for(lambda: not answers(), "it is full")
        for connection in held:
            connection.close()
        wait_for(answers, "there is room again")


def test_each_answer_is_a_line_of_a_log_for_debugging(bundle: ServedBundle, tmp_path: Path) -> None:
    with (
        predictor(bundle, tmp_path, "--log-level=debug") as running,
        channel_to(running) as channel,
    ):
        asked(channel)
        asked(channel, b"\xff")
        running.predict({"pressure": 1, "site": "north"})
        running.infer({})
        lines = [(line["protocol"], line["status"]) for line in running.logs("answered")]
        assert lines == [("grpc", 200), ("grpc", 400), ("v1", 200), ("v2", 400)]
