"""The predictor over gRPC: a real process, asked by KServe's own client and by hand."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.integration.predictors import (
    MODEL,
    VERSION,
    Predictor,
    ServedBundle,
    make_bundle,
    predictor,
    wait_for,
)

NORTH = 1 / (1 + np.exp(-1.0))
Call = Callable[[InferenceGRPCClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


@pytest.fixture(scope="module")
def server(bundle: ServedBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    options = ("--max-request-size=64KiB", '--defaults={"pressure": 2, "site": "south"}')
    with predictor(bundle, tmp_path_factory.mktemp("server"), *options) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server: Predictor) -> Iterator[GRPCInferenceServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        yield GRPCInferenceServiceStub(channel)


def by_client(server: Predictor, call: Call) -> Any:
    async def play() -> Any:
        async with InferenceGRPCClient(f"127.0.0.1:{server.grpc}", retries=0) as client:
            return await call(client)

    return asyncio.run(play())


def rows(*pressures: float, site: bytes = b"north", model: str = MODEL) -> Any:
    """Return a request with typed contents."""
    count = len(pressures)
    return messages.ModelInferRequest(
        model_name=model,
        id="mine",
        inputs=[
            {
                "name": "pressure",
                "datatype": "FP32",
                "shape": [count, 1],
                "contents": {"fp32_contents": pressures},
            },
            {
                "name": "site",
                "datatype": "BYTES",
                "shape": [count, 1],
                "contents": {"bytes_contents": [site] * count},
            },
        ],
    )


def refused(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.RpcError) as told:
        call()
    error: Any = told.value
    return error.code(), error.details(), dict(error.trailing_metadata())


def test_kserves_client_finds_server_and_model_live_and_ready(server: Predictor) -> None:
    async def ask(client: InferenceGRPCClient) -> tuple[bool, bool, bool]:
        return (
            await client.is_server_live(),
            await client.is_server_ready(),
            await client.is_model_ready(MODEL),
        )

    assert by_client(server, ask) == (True, True, True)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("raw", [False, True])
def test_kserves_client_gets_predictions(server: Predictor, count: int, raw: bool) -> None:
    pressure = InferInput("pressure", [count, 1], "FP32", [0.0] * count)
    site = InferInput("site", [count, 1], "BYTES", [b"north"] * count)
    if raw:
        pressure.set_data_from_numpy(np.zeros((count, 1), np.float32))
        site.set_data_from_numpy(np.full((count, 1), b"north", object))
    request = InferRequest(MODEL, [pressure, site], request_id="mine")
    answer = by_client(server, lambda client: client.infer(request))
    assert (answer.id, answer.model_name, answer.model_version) == ("mine", MODEL, VERSION)
    assert answer.parameters["bundle_digest"].string_param == server.bundle.digest
    np.testing.assert_allclose(answer.outputs[0].as_numpy(), np.full((count, 1), NORTH), rtol=1e-6)


def test_missing_values_are_nan_and_empty_texts(stub: GRPCInferenceServiceStub) -> None:
    answer = stub.ModelInfer(rows(float("nan"), site=b""))
    assert list(answer.outputs[0].contents.fp32_contents) == [0.5]


def test_an_answer_without_an_id_of_the_client_has_the_header_s_or_ours(
    stub: GRPCInferenceServiceStub,
) -> None:
    request = rows(0.0)
    request.id = ""
    told = stub.ModelInfer(request, metadata=[("x-request-id", "from-header")])
    assert told.id == "from-header"
    ours = stub.ModelInfer(request, metadata=[("x-request-id", "not fit")]).id
    assert ours not in ("", "not fit")
    assert stub.ModelInfer(request).id != ours


def test_metadata_tells_names_types_and_shapes(stub: GRPCInferenceServiceStub) -> None:
    told = stub.ModelMetadata(messages.ModelMetadataRequest(name=MODEL))
    assert (told.name, list(told.versions)) == (MODEL, [VERSION])
    inputs = [(entry.name, entry.datatype, list(entry.shape)) for entry in told.inputs]
    assert inputs == [("pressure", "FP32", [-1, 1]), ("site", "BYTES", [-1, 1])]
    assert [entry.name for entry in told.outputs] == ["prediction"]
    server = stub.ServerMetadata(messages.ServerMetadataRequest())
    assert (server.name, server.version) == ("millrace-predictor", VERSION)


def test_features_that_a_down_store_does_not_bring_are_defaults_and_say_so(
    server: Predictor, stub: GRPCInferenceServiceStub
) -> None:
    before = server.metric("millrace_predictor_degraded_total")
    pump = {
        "name": "pump",
        "datatype": "BYTES",
        "shape": [1],
        "contents": {"bytes_contents": [b"p"]},
    }
    answer = stub.ModelInfer(messages.ModelInferRequest(model_name=MODEL, inputs=[pump]))
    assert answer.parameters["degraded"].bool_param
    np.testing.assert_allclose(answer.outputs[0].contents.fp32_contents, [1 / (1 + np.exp(-1.0))])
    assert server.metric("millrace_predictor_degraded_total") == before + 1


def test_faults_name_their_field(stub: GRPCInferenceServiceStub) -> None:
    request = rows(0.0)
    request.inputs[1].contents.bytes_contents[0] = b"\xff"
    code, details, _ = refused(lambda: stub.ModelInfer(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("inputs[1].contents[0]: ")


def test_an_unknown_input_is_told_with_the_one_most_like_it(
    stub: GRPCInferenceServiceStub,
) -> None:
    request = rows(0.0)
    request.inputs[1].name = "Sites"
    code, details, _ = refused(lambda: stub.ModelInfer(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details == "inputs[1].name: the model has no input 'Sites'; did you mean 'site'?"


def test_unknown_models_and_versions_are_not_found(stub: GRPCInferenceServiceStub) -> None:
    wrong = rows(0.0)
    wrong.model_version = "99"
    for call in (
        lambda: stub.ModelInfer(rows(0.0, model="other")),
        lambda: stub.ModelInfer(wrong),
        lambda: stub.ModelReady(messages.ModelReadyRequest(name="other")),
        lambda: stub.ModelMetadata(messages.ModelMetadataRequest(name=MODEL, version="99")),
    ):
        assert refused(call)[0] is grpc.StatusCode.NOT_FOUND


def test_a_message_that_is_too_large_is_refused(stub: GRPCInferenceServiceStub) -> None:
    code, _, _ = refused(lambda: stub.ModelInfer(rows(0.0, site=b"x" * 70_000)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.ModelInfer(rows(0.0)).id == "mine"


def test_methods_of_the_model_repository_are_not_there(stub: GRPCInferenceServiceStub) -> None:
    load = messages.RepositoryModelLoadRequest(model_name=MODEL)
    code, _, _ = refused(lambda: stub.RepositoryModelLoad(load))
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_kubernetes_own_grpc_probe_finds_it_healthy(server: Predictor) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=10) == b"\x08\x01"
        assert check(b"\x0a\x1einference.GRPCInferenceService", timeout=10) == b"\x08\x01"
        assert refused(lambda: check(b"\x0a\x01x"))[0] is grpc.StatusCode.NOT_FOUND
        assert refused(lambda: check(b"\xff"))[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_metrics_count_grpc_requests_by_the_codes_they_stand_for(
    server: Predictor, stub: GRPCInferenceServiceStub
) -> None:
    def count(code: int) -> float:
        return server.metric(f'millrace_predictor_requests_total{{code="{code}",protocol="grpc"}}')

    before = {code: count(code) for code in (200, 400, 404)}
    stub.ModelInfer(rows(0.0))
    refused(lambda: stub.ModelInfer(rows(float("inf"))))
    refused(lambda: stub.ModelInfer(rows(0.0, model="other")))
    assert {code: count(code) for code in before} == {c: n + 1 for c, n in before.items()}


def test_a_store_that_is_down_is_unavailable_if_the_workload_chose_to_fail(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with predictor(bundle, tmp_path, "--online=fail") as running:
        request = messages.ModelInferRequest(model_name=MODEL)
        request.inputs.add(name="pump", datatype="BYTES", shape=[1]).contents.bytes_contents.append(
            b"p"
        )
        with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
            code, details, trailing = refused(
                lambda: GRPCInferenceServiceStub(channel).ModelInfer(request)
            )
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "online store" in details
    assert trailing["retry-after"] == "1"
    assert trailing["x-model-version"] == VERSION, "who refused"
    assert trailing["grpc-retry-pushback-ms"] == "1000"


def test_more_requests_than_can_wait_are_refused_with_advice_to_retry(tmp_path: Path) -> None:
    slow = make_bundle(tmp_path / "slow", slow=40)
    with predictor(slow, tmp_path, "--max-queued=2") as running:

        async def crowd() -> list[Any]:
            async with grpc.aio.insecure_channel(
                f"127.0.0.1:{running.grpc}", options=[("grpc.enable_retries", 0)]
            ) as channel:
                stub = GRPCInferenceServiceStub(channel)
                calls = [stub.ModelInfer(rows(0.0)) for _ in range(30)]
                return await asyncio.gather(*calls, return_exceptions=True)

        found = asyncio.run(crowd())
        refusals = [each for each in found if isinstance(each, grpc.aio.AioRpcError)]
        assert {each.code() for each in refusals} == {grpc.StatusCode.UNAVAILABLE}
        told = dict(refusals[0].trailing_metadata())
        assert (told["retry-after"], told["x-model-version"]) == ("1", VERSION)
        assert len(found) > len(refusals) > 0
        counted = 'millrace_predictor_requests_total{code="503",protocol="grpc"}'
        assert running.metric(counted) == len(refusals)
        assert running.logs("refused")
        with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
            assert GRPCInferenceServiceStub(channel).ModelInfer(rows(0.0)).id == "mine"


def test_no_grpc_request_is_lost_until_connections_are_refused(
    bundle: ServedBundle, tmp_path: Path
) -> None:
    with predictor(bundle, tmp_path, "--grace=500ms") as running:
        answered = 0

        async def call_on() -> tuple[grpc.StatusCode, str]:
            """Call until that fails; return how it does."""
            nonlocal answered
            options = [("grpc.use_local_subchannel_pool", 1)]
            address = f"127.0.0.1:{running.grpc}"
            async with grpc.aio.insecure_channel(address, options=options) as channel:
                stub = GRPCInferenceServiceStub(channel)
                while True:
                    try:
                        await stub.ModelInfer(rows(0.0))
                    except grpc.aio.AioRpcError as error:
                        return error.code(), error.details() or ""
                    answered += 1

        async def play() -> list[tuple[grpc.StatusCode, str]]:
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                callers = [group.create_task(call_on()) for _ in range(8)]
                while answered < 100:
                    await asyncio.sleep(0.01)
                running.process.send_signal(signal.SIGTERM)
            return [caller.result() for caller in callers]

        found = asyncio.run(play())
        assert {code for code, _ in found} == {grpc.StatusCode.UNAVAILABLE}
        assert all("failed to connect" in details for _, details in found)
        wait_for(lambda: running.process.poll() is not None, "it ends")
        assert running.process.returncode == 0
        assert not running.logs("failed")


def test_several_workers_share_the_port(bundle: ServedBundle, tmp_path: Path) -> None:
    with predictor(bundle, tmp_path, "--workers=2") as running:
        for _ in range(8):
            with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
                assert GRPCInferenceServiceStub(channel).ModelInfer(rows(0.0)).id == "mine"
        counted = 'millrace_predictor_requests_total{code="200",protocol="grpc"}'
        assert running.metric(counted) == 8
