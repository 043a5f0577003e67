"""Every prediction of a real predictor reaches a real receiver once, with what it was made from."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.predictor.oip_messages import SERVICE, ModelInferRequest
from tests.integration.online_worlds import running_redis
from tests.integration.predictors import (
    MODEL,
    ServedBundle,
    free_ports,
    make_bundle,
    predictor,
    row,
    wait_for,
)

SENT = "millrace_predictor_events_sent_total"
DROPPED = "millrace_predictor_events_dropped_total"


@dataclass
class Heard:
    """What a receiver heard, and how it behaves."""

    status: int = 200
    accept: str = ""
    wait: threading.Event = field(default_factory=threading.Event)
    events: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    bodies: int = 0

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


@contextlib.contextmanager
def receiver(heard: Heard, port: int = 0) -> Iterator[Heard]:
    """Run a receiver of CloudEvents in the binary and the batched mode."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            heard.wait.wait(20)
            heard.bodies += 1
            if isinstance(body, list):
                heard.events += body
            else:
                told = {k.lower(): v for k, v in self.headers.items()}
                attributes = {k[3:]: v for k, v in told.items() if k.startswith("ce-")}
                heard.events.append({**attributes, "data": body})
            self.send_response(heard.status)
            if heard.accept:
                self.send_header("Accept", heard.accept)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_port}/events"
    heard.wait.set()
    try:
        yield heard
    finally:
        heard.wait.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


@pytest.mark.parametrize("accept", ["", "application/cloudevents-batch+json"])
def test_every_prediction_arrives_once_with_its_features(
    bundle: ServedBundle, tmp_path: Path, accept: str
) -> None:
    with (
        receiver(Heard(accept=accept)) as heard,
        predictor(bundle, tmp_path, f"--events-url={heard.url}") as server,
    ):
        with ThreadPoolExecutor(4) as crowd:
            answers = list(crowd.map(lambda n: server.infer(row(float(n))).json, range(200)))
        message = ModelInferRequest(model_name=MODEL, id="over-grpc")
        for name, kind, place, value in (
            ("pressure", "FP32", "fp32_contents", 1000.0),
            ("site", "BYTES", "bytes_contents", b"south"),
        ):
            tensor = message.inputs.add(name=name, datatype=kind, shape=[1])
            getattr(tensor.contents, place).append(value)
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
            channel.unary_unary(f"/{SERVICE}/ModelInfer")(message.SerializeToString(), timeout=20)
        server.predict([2000.0, "north"], {"pressure": None, "site": "x"})
        server.infer({"inputs": []})
        wait_for(lambda: server.metric(SENT) == 202, "all events are sent")
        assert server.metric(DROPPED) == 0
    told = {event["id"]: event["data"] for event in heard.events}
    assert len(heard.events) == len(told) == 202
    assert (heard.bodies < 202) == bool(accept)
    for answer in answers:
        data = told.pop(answer["id"])
        assert data["predictions"] == pytest.approx(answer["outputs"][0]["data"])
    assert told.pop("over-grpc")["instances"] == [{"pressure": 1000.0, "site": "south"}]
    (both,) = told.values()
    assert both["instances"] == [
        {"pressure": 2000.0, "site": "north"},
        {"pressure": None, "site": "x"},
    ]
    event = heard.events[0]
    assert event["type"] == "org.kubeflow.serving.inference.request"
    assert event["inferenceservicename"] == "pumps-v3"
    assert event["data"]["parameters"]["bundle_digest"] == bundle.digest


def test_features_of_entities_are_told_with_their_origin(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    pump = {"name": "pump", "datatype": "BYTES", "shape": [1], "data": ["p-1"]}
    site = {"name": "site", "datatype": "BYTES", "shape": [1], "data": ["north"]}
    defaults = '--defaults={"pressure": 7}'
    with running_redis(tmp_path) as (address, process):
        environment = {"MILLRACE_ONLINE_STORE": "redis", "MILLRACE_REDIS": address}
        with (
            receiver(Heard()) as heard,
            predictor(
                bundle, tmp_path, f"--events-url={heard.url}", defaults, **environment
            ) as server,
        ):
            server.infer({"inputs": [pump]})
            server.infer({"inputs": [pump, site]})
            process.kill()
            process.wait()
            server.infer({"inputs": [pump, site]})
            wait_for(lambda: len(heard.events) == 3, "all events arrive")
    stored, mixed, defaulted = (event["data"] for event in heard.events)
    assert stored["origins"] == "store"
    assert stored["instances"] == [{"pressure": None, "site": None}]
    assert mixed["origins"] == {"pressure": "store"}
    assert mixed["instances"] == [{"pressure": None, "site": "north"}]
    assert defaulted["origins"] == {"pressure": "default"}
    assert defaulted["instances"] == [{"pressure": 7.0, "site": "north"}]
    assert defaulted["parameters"]["degraded"] is True


@pytest.mark.parametrize("behaviour", ["refuses", "hangs", "is not there"])
def test_a_bad_receiver_costs_nothing_but_drops(
    bundle: ServedBundle, tmp_path: Path, behaviour: str
) -> None:
    heard = Heard(status=500 if behaviour == "refuses" else 200)
    with contextlib.ExitStack() as stack:
        if behaviour == "is not there":
            heard.url = f"http://127.0.0.1:{free_ports(1)[0]}/"
        else:
            stack.enter_context(receiver(heard))
        server = stack.enter_context(predictor(bundle, tmp_path, f"--events-url={heard.url}"))
        if behaviour == "hangs":
            heard.wait.clear()
        for number in range(30):
            assert server.infer(row(float(number))).status == 200
        if behaviour == "refuses":
            wait_for(lambda: server.metric(DROPPED) == 30, "all events are dropped")
        assert server.metric(SENT) == 0
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 10
        assert server.logs("events_dropped")


def test_what_waits_is_sent_before_the_predictor_ends(bundle: ServedBundle, tmp_path: Path) -> None:
    with (
        receiver(Heard()) as heard,
        predictor(bundle, tmp_path, f"--events-url={heard.url}") as server,
    ):
        ids = [server.infer(row(float(number))).json["id"] for number in range(50)]
        assert server.stop() == 0
        assert heard.ids == ids


def test_a_url_that_cannot_be_used_is_told(bundle: ServedBundle, tmp_path: Path) -> None:
    from tests.integration.predictors import start_predictor

    server = start_predictor(bundle, tmp_path, "--events-url=nowhere")
    assert server.process.wait(20) == 1
    (told,) = server.logs("cannot_serve")
    assert told["where"] == "--events-url"
