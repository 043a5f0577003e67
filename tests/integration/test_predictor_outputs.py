"""A predictor of a model with two outputs: a real process, over every protocol, and its events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

from tests.integration.predictors import MODEL, Predictor, make_bundle, predictor, row
from tests.integration.test_events_delivery import Heard, receiver, wait_for

NORTH = 1 / (1 + np.exp(-1.0))
AROUND = [NORTH - 0.1, NORTH, NORTH + 0.1]


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    told = Heard()
    told.wait.set()
    with receiver(told):
        yield told


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, heard: Heard) -> Iterator[Predictor]:
    home = tmp_path_factory.mktemp("server")
    bundle = make_bundle(home / "bundle", quantiles=True)
    with predictor(bundle, home, f"--events-url={heard.url}") as running:
        yield running


def test_rest_answers_with_both_outputs_or_the_one_that_was_asked_for(server: Predictor) -> None:
    prediction, quantiles = server.infer(row()).json["outputs"]
    assert (prediction["name"], prediction["shape"]) == ("prediction", [1, 1])
    assert prediction["data"] == pytest.approx([NORTH])
    assert (quantiles["name"], quantiles["shape"]) == ("quantiles", [1, 3])
    assert quantiles["data"] == pytest.approx(AROUND)
    (only,) = server.infer({**row(), "outputs": [{"name": "quantiles"}]}).json["outputs"]
    assert only == quantiles
    told = server.infer({**row(), "outputs": [{"name": "median"}]})
    assert told.status == 400
    assert told.json == {
        "error": "the model has no output 'median'; it has prediction, quantiles",
        "pointer": "/outputs/0/name",
    }


def test_v1_answers_with_an_object_a_row(server: Predictor) -> None:
    told = server.predict({"pressure": 0, "site": "north"}, {"pressure": None, "site": "x"}).json
    assert [row["prediction"] for row in told["predictions"]] == pytest.approx([NORTH, 0.5])
    assert told["predictions"][0]["quantiles"] == pytest.approx(AROUND)


def _asked() -> InferRequest:
    pressure = InferInput("pressure", [2, 1], "FP32")
    pressure.set_data_from_numpy(np.zeros((2, 1), np.float32))
    site = InferInput("site", [2, 1], "BYTES")
    site.set_data_from_numpy(np.array([["north"], ["north"]], object))
    return InferRequest(MODEL, [pressure, site])


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_kserves_client_reads_both_outputs(server: Predictor, protocol: str) -> None:
    async def ask() -> Any:
        if protocol == "rest":
            client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
            return await client.infer(server.url, _asked(), model_name=MODEL)
        async with InferenceGRPCClient(f"127.0.0.1:{server.grpc}", retries=0) as client:
            return await client.infer(_asked())

    outputs = {output.name: output.as_numpy() for output in asyncio.run(ask()).outputs}
    np.testing.assert_allclose(outputs["prediction"], [[NORTH]] * 2, rtol=1e-6)
    np.testing.assert_allclose(outputs["quantiles"], [AROUND] * 2, rtol=1e-6)


def test_scores_are_counted_by_the_prediction_and_events_have_both(
    server: Predictor, heard: Heard
) -> None:
    sample = 'millrace_predictor_scores_total{bin="2"}'
    before = server.metric(sample)
    server.infer({**row(), "id": "mine", "outputs": [{"name": "quantiles"}]})
    assert server.metric(sample) == before + 1
    wait_for(lambda: "mine" in heard.ids, "the event arrives")
    (told,) = (event["data"] for event in heard.events if event["id"] == "mine")
    (outputs,) = told["predictions"]
    assert outputs["prediction"] == pytest.approx(NORTH)
    assert outputs["quantiles"] == pytest.approx(AROUND)
