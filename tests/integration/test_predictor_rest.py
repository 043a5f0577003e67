"""The predictor over REST: a real process, asked by KServe's own client and by hand."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

from tests.integration.predictors import (
    MODEL,
    VERSION,
    Predictor,
    ServedBundle,
    make_bundle,
    predictor,
    row,
)

NORTH = 1 / (1 + np.exp(-1.0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


@pytest.fixture(scope="module")
def server(bundle: ServedBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    options = ("--max-request-size=64KiB", '--defaults={"pressure": 2, "site": "south"}')
    with predictor(bundle, tmp_path_factory.mktemp("server"), *options) as running:
        yield running


def _client(protocol: str) -> InferenceRESTClient:
    return InferenceRESTClient(RESTConfig(protocol=protocol, retries=0))


def _run(call: Any) -> Any:
    import asyncio

    return asyncio.run(call)


def test_kserves_v2_client_finds_the_server_and_the_model_ready(server: Predictor) -> None:
    async def ask() -> tuple[bool, bool, bool]:
        client = _client("v2")
        return (
            await client.is_server_live(server.url),
            await client.is_server_ready(server.url),
            await client.is_model_ready(server.url, MODEL),
        )

    assert _run(ask()) == (True, True, True)


def test_kserves_v1_client_finds_the_server_and_the_model_ready(server: Predictor) -> None:
    async def ask() -> tuple[bool, bool]:
        client = _client("v1")
        return await client.is_server_live(server.url), await client.is_model_ready(
            server.url, MODEL
        )

    assert _run(ask()) == (True, True)


@pytest.mark.parametrize("binary", [False, True])
def test_kserves_v2_client_gets_predictions_for_a_batch(server: Predictor, binary: bool) -> None:
    pressure = InferInput("pressure", [3, 1], "FP32")
    pressure.set_data_from_numpy(np.array([[0.0], [-1.0], [5.0]], np.float32), binary)
    site = InferInput("site", [3, 1], "BYTES")
    site.set_data_from_numpy(np.array([["north"], ["north"], ["elsewhere"]], object), binary)
    request = InferRequest(
        MODEL, [pressure, site], request_id="batch-1", parameters={"binary_data_output": binary}
    )

    answer = _run(_client("v2").infer(server.url, request, MODEL))

    assert answer.id == "batch-1"
    assert answer.model_name == MODEL
    assert answer.parameters["bundle_digest"] == server.bundle.digest
    expected = 1 / (1 + np.exp(-np.array([[1.0], [0.0], [5.0]])))
    np.testing.assert_allclose(answer.outputs[0].as_numpy(), expected, atol=1e-6)


def test_kserves_v1_client_gets_predictions_for_objects_and_lists(server: Predictor) -> None:
    instances = [{"pressure": 0, "site": "north"}, [None, "north"], {"pump": "p1", "pressure": 9}]
    answer = _run(_client("v1").infer(server.url, {"instances": instances}, MODEL))
    np.testing.assert_allclose(answer["predictions"][:2], [NORTH, NORTH], atol=1e-6)
    assert answer["model_version"] == VERSION


def test_an_explanation_is_refused_as_something_that_is_not_there(server: Predictor) -> None:
    assert server.ask(f"/v1/models/{MODEL}:explain", {"instances": []}).status == 404


def test_null_means_missing_for_numbers_and_texts(server: Predictor) -> None:
    answer = server.infer(row(None, None))
    assert answer.status == 200
    assert answer.json["outputs"][0] == {
        "name": "prediction",
        "datatype": "FP32",
        "shape": [1, 1],
        "data": [0.5],
    }


def test_metadata_tells_names_types_shapes_and_the_bundle(server: Predictor) -> None:
    told = server.ask(f"/v2/models/{MODEL}").json
    assert told["name"] == MODEL
    assert told["versions"] == [VERSION]
    assert told["inputs"] == [
        {"name": "pressure", "datatype": "FP32", "shape": [-1, 1]},
        {"name": "site", "datatype": "BYTES", "shape": [-1, 1]},
    ]
    assert told["properties"]["bundle_digest"] == server.bundle.digest
    assert told["properties"]["entity_keys"] == "pump"
    assert server.ask(f"/v2/models/{MODEL}/versions/{VERSION}").json == told


def test_an_answer_carries_the_clients_id_wherever_it_stood(server: Predictor) -> None:
    from_header = server.infer(row(), headers={"x-request-id": "head-1"})
    assert from_header.json["id"] == from_header.headers["x-request-id"] == "head-1"
    from_body = server.infer({**row(), "id": "body-1"}, headers={"x-request-id": "head-1"})
    assert from_body.json["id"] == from_body.headers["x-request-id"] == "body-1"


def test_an_answer_without_a_fit_id_gets_one_of_its_own(server: Predictor) -> None:
    ids = {server.infer(row(), headers={"x-request-id": "a b" * 99}).json["id"] for _ in range(3)}
    assert len(ids) == 3


def test_headers_name_the_version_and_the_bundle(server: Predictor) -> None:
    headers = server.infer(row()).headers
    assert headers["x-model-version"] == VERSION
    assert headers["x-bundle-digest"] == server.bundle.digest


def test_features_that_a_down_store_does_not_bring_are_defaults_and_say_so(
    server: Predictor,
) -> None:
    before = server.metric("millrace_predictor_degraded_total")
    body = {"inputs": [{"name": "pump", "datatype": "BYTES", "shape": [1], "data": ["p1"]}]}

    answer = server.infer(body)

    assert answer.json["parameters"]["degraded"] is True
    assert answer.json["outputs"][0]["data"] == pytest.approx([1 / (1 + np.exp(-1.0))])
    assert server.predict({"pump": "p1"}).json["parameters"]["degraded"] is True
    assert server.metric("millrace_predictor_degraded_total") == before + 2
    assert server.logs("degraded")[0]["request_id"]
    assert "degraded" not in server.infer(row()).json["parameters"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"inputs": []}, "/inputs"),
        ({"inputs": row()["inputs"][:1]}, "/inputs"),
        ({"id": "two words"}, "/id"),
        ({"outputs": [{"name": "probability"}]}, "/outputs/0/name"),
        ({"parameters": {"a": [1]}}, "/parameters/a"),
    ],
)
def test_a_fault_is_told_with_its_json_pointer(
    server: Predictor, change: dict[str, Any], pointer: str
) -> None:
    answer = server.infer({**row(), **change})
    assert answer.status == 400
    assert answer.json["pointer"] == pointer
    assert answer.headers["x-request-id"]


def test_a_missing_feature_is_named(server: Predictor) -> None:
    answer = server.infer({"inputs": row()["inputs"][:1]})
    assert "'site'" in answer.json["error"]
    assert "'pump'" in answer.json["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/models/other/infer", 404),
        ("POST", f"/v2/models/{MODEL}/versions/9/infer", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v1/models/other", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/metrics", 404),
        ("GET", f"/v2/models/{MODEL}/infer", 405),
        ("DELETE", f"/v2/models/{MODEL}", 405),
    ],
)
def test_what_is_not_there_is_404_and_what_cannot_be_done_405(
    server: Predictor, method: str, path: str, status: int
) -> None:
    answer = server.ask(path, {} if method == "POST" else None, method=method)
    assert answer.status == status
    assert answer.json["error"]


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(server: Predictor) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=10)
    connection.putrequest("POST", f"/v2/models/{MODEL}/infer")
    connection.putheader("content-length", str(10**9))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_body_that_grows_too_large_is_refused(server: Predictor) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=10)
    chunks = (b" " * 8192 for _ in range(9))
    connection.request("POST", f"/v2/models/{MODEL}/infer", chunks, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert "65536 bytes" in json.loads(answer.read())["error"]


def test_more_rows_than_allowed_are_refused_where_the_request_says_so(server: Predictor) -> None:
    data = ["p"] * 10_001
    keys = {"name": "pump", "datatype": "BYTES", "shape": [10_001], "data": data}
    for answer, pointer in (
        (server.infer({"inputs": [keys]}), "/inputs/0/shape"),
        (server.predict(*[{}] * 10_001), "/instances"),
    ):
        assert (answer.status, answer.json["pointer"]) == (400, pointer)
        assert "at most 10000 rows" in answer.json["error"]


def test_a_body_of_more_values_than_any_rows_have_is_refused_as_a_whole(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with predictor(bundle, tmp_path, "--max-rows=50") as running:
        data = ["p"] * 100_000
        keys = {"name": "pump", "datatype": "BYTES", "shape": [50], "data": data}
        answer = running.infer({"inputs": [keys]})
        assert (answer.status, answer.json["pointer"]) == (400, "")
        assert running.infer(row(site="," * 100_000)).status == 200


@pytest.mark.parametrize("size", [100_000, 400_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_all_of_a_too_large_body_and_closes_hears_why(
    server: Predictor, size: int, chunked: bool
) -> None:
    body = b" " * size
    parts = iter([body[:50_000], body[50_000:]]) if chunked else body
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=10)
    headers = {"connection": "close"}
    connection.request("POST", f"/v2/models/{MODEL}/infer", parts, headers, encode_chunked=chunked)
    assert connection.getresponse().status == 413


def test_a_head_that_never_ends_is_cut_off(server: Predictor) -> None:
    with socket.create_connection(("127.0.0.1", server.http), timeout=10) as connection:
        connection.sendall(b"GET /v2 HTTP/1.1\r\n" + b"x-filler: nothing\r\n" * 3000)
        assert b" 431 " in connection.recv(4096)


def test_what_is_no_http_is_400(server: Predictor) -> None:
    with socket.create_connection(("127.0.0.1", server.http), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b" 400 " in connection.recv(4096)


def test_requests_sent_without_waiting_are_answered_in_order(server: Predictor) -> None:
    with socket.create_connection(("127.0.0.1", server.http), timeout=10) as connection:
        for name in ("one", "two", "three"):
            body = json.dumps({**row(), "id": name}).encode()
            head = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\ncontent-length: {len(body)}\r\n"
            last = "connection: close\r\n" if name == "three" else ""
            connection.sendall(f"{head}{last}\r\n".encode() + body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    places = [received.index(f'"id":"{name}"'.encode()) for name in ("one", "two", "three")]
    assert places == sorted(places)


def test_a_compressed_body_is_415(server: Predictor) -> None:
    assert server.infer(b"\x1f\x8b", headers={"content-encoding": "gzip"}).status == 415


def test_nesting_without_end_is_400(server: Predictor) -> None:
    assert server.infer(b'{"inputs": ' + b"[" * 30000).status == 400


def test_metrics_count_requests_scores_and_time(server: Predictor) -> None:
    answered = 'millrace_predictor_requests_total{code="200",protocol="v2"}'
    refused = 'millrace_predictor_requests_total{code="400",protocol="v2"}'
    names = [answered, refused, 'millrace_predictor_scores_total{bin="2"}']
    before = [server.metric(name) for name in names]

    server.infer(row())  # 0.73, in the third of the comparison bins
    server.infer({"inputs": []})

    assert [server.metric(name) for name in names] == [count + 1 for count in before]
    histogram = "millrace_predictor_request_duration_seconds"
    assert server.metric(f'{histogram}_bucket{{le="0.05"}}') > 0
    assert server.metric(f'{histogram}_bucket{{le="+Inf"}}') == server.metric(f"{histogram}_count")


def test_exemplars_carry_request_ids_where_the_format_has_them(server: Predictor) -> None:
    server.infer({**row(), "id": "exemplary"})
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    page = server.ask("/metrics", port=server.metrics, headers=accept).body.decode()
    assert 'request_id="exemplary"' in page
    server.infer({**row(), "id": "x" * 128})  # longer than the format lets an exemplar be
    page = server.ask("/metrics", port=server.metrics, headers=accept).body.decode()
    assert "xxx" not in page
    assert page.endswith("# EOF\n")
    assert server.ask("/v2", port=server.metrics).status == 404


def test_the_log_has_no_line_for_an_ordinary_request(server: Predictor, tmp_path: Path) -> None:
    before = len(server.log_file.read_text().splitlines())
    server.infer(row())
    server.infer({"inputs": []})
    assert len(server.log_file.read_text().splitlines()) == before
    ready = server.logs("ready")[0]
    assert (ready["model"], ready["version"]) == (MODEL, VERSION)


def test_failing_without_the_store_is_503_if_the_workload_chose_so(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    body = {"inputs": [{"name": "pump", "datatype": "BYTES", "shape": [1], "data": ["p1"]}]}
    with predictor(bundle, tmp_path, "--online=fail") as running:
        answer = running.infer(body)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert running.infer(row()).status == 200
