"""What the gateway answers, over both protocols, and what it counts of it."""

import asyncio
import http.client
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml
from kserve import (
    InferenceGRPCClient,
    InferenceRESTClient,
    InferInput,
    InferRequest,
    RESTConfig,
)

from serving.metrics.log import metrics_log
from tests.integration.platforms import HOST, INFER, Home, a_home
from tests.integration.predictors import MODEL, ServedBundle, make_bundle, wait_for

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


def mirrored(path: str, text: str) -> str:
    """Add to the HTTPRoute a copy of every request for version 2, and a header for answers."""
    if not path.endswith("route.yaml"):
        return text
    documents = list(yaml.safe_load_all(text))
    [http] = [one for one in documents if one["kind"] == "HTTPRoute"]
    backend = {"name": f"{MODEL}-v2-predictor", "port": 80}
    http["spec"]["rules"][0]["filters"] = [
        {"type": "RequestMirror", "requestMirror": {"backendRef": backend, "percent": 100}},
        {
            "type": "ResponseHeaderModifier",
            "responseHeaderModifier": {"set": [{"name": "x-tried", "value": "100%"}]},
        },
    ]
    return yaml.safe_dump_all(documents)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, bundle: ServedBundle) -> Iterator[Home]:
    with a_home(tmp_path_factory.mktemp("platform")) as made:
        commit = made.release(bundle, {1: 100, 2: 0}, edit=mirrored)
        made.up()
        made.wait_until_applied(commit)
        yield made


def counters(home: Home, version: int) -> dict[str, float]:
    """Return the counters of an arm as they are now, those of all its instances together."""
    log = metrics_log(home.settings)
    asked = time.time()
    newest: dict[str, float] = {}

    def scraped() -> bool:
        samples = log.samples([f"{MODEL}-v{version}"], asked + 0.6, time.time() + 1)
        newest.update({sample.counter: sample.value for sample in samples})
        return {"requests", "score/0"} <= newest.keys()

    wait_for(scraped, "the arm is scraped")
    return newest


def predict(home: Home, name: str = MODEL, authority: str = HOST) -> Any:
    async def ask() -> Any:
        client = InferenceGRPCClient(
            f"127.0.0.1:{home.port}",
            channel_args=[("grpc.default_authority", authority)],
            retries=0,
            timeout=10,
        )
        try:
            pressure = InferInput("pressure", [1, 1], "FP32", data=[0.0])
            site = InferInput("site", [1, 1], "BYTES", data=["north"])
            request = InferRequest(model_name=name, infer_inputs=[pressure, site])
            return await client.infer(request)
        finally:
            await client.close()

    return asyncio.run(ask())


def test_the_hosts_port_may_be_named_or_not(home: Home) -> None:
    assert home.ask().status == 200
    assert home.ask(host=f"{HOST}:{home.port}").status == 200


def test_an_unknown_host_gets_a_clear_404_in_json(home: Home) -> None:
    answer = home.ask(host="else.millrace.localhost")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert "no workload answers for this host" in answer.json["error"]


def test_kserves_rest_client_is_answered_with_the_workloads_host_as_a_header(home: Home) -> None:
    async def ask() -> Any:
        pressure = InferInput("pressure", [1], "FP32", [0.0])
        site = InferInput("site", [1], "BYTES", ["north"])
        return await InferenceRESTClient(RESTConfig(protocol="v2", retries=0)).infer(
            f"http://127.0.0.1:{home.port}",
            InferRequest(MODEL, [pressure, site]),
            model_name=MODEL,
            headers={"Host": HOST},
        )

    assert asyncio.run(ask()).outputs[0].as_numpy() == pytest.approx(0.731058, abs=1e-5)


def test_grpc_is_answered_on_the_same_port(home: Home) -> None:
    answer = predict(home)
    assert answer.model_version == "1"
    assert answer.outputs[0].data[0] == pytest.approx(0.731058, abs=1e-5)


def test_grpc_for_an_unknown_host_is_unimplemented(home: Home) -> None:
    with pytest.raises(Exception, match="no workload answers for this host"):
        predict(home, authority="else.millrace.localhost")


def test_requests_of_both_protocols_are_counted_once_and_a_clients_faults_are_no_errors(
    home: Home,
) -> None:
    before = counters(home, 1)
    home.ask()
    home.ask(path=INFER, body={"inputs": []})
    predict(home)
    with pytest.raises(Exception, match="nothing"):
        predict(home, name="nothing")
    after = counters(home, 1)
    assert after["requests"] == before["requests"] + 4
    assert after["errors"] == before["errors"]
    assert before["fast"] <= after["fast"] <= after["requests"]


def test_copies_reach_the_other_arm_and_are_not_counted_as_its_requests(home: Home) -> None:
    def scores(found: dict[str, float]) -> float:
        return sum(value for name, value in found.items() if name.startswith("score/"))

    before = counters(home, 2)
    for _ in range(5):
        assert home.ask().headers["x-model-version"] == "1"
    after = counters(home, 2)
    assert scores(after) == scores(before) + 5
    assert after["requests"] == 0


def test_headers_are_changed_as_the_route_says(home: Home) -> None:
    assert home.ask().headers["x-tried"] == "100%"


def test_a_body_that_is_too_large_for_the_predictor_gets_its_413(home: Home) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", home.port, timeout=30)
    with suppress(BrokenPipeError, ConnectionResetError):  # it need not read all of it
        connection.request("POST", INFER, b" " * (11 * 2**20), {"host": HOST})
    assert connection.getresponse().status == 413
    connection.close()
    assert home.ask().status == 200
