"""What the cluster answers is what the laptop answers, from the same files."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

from millrace.settings import Settings
from serving.local.state import read_state
from tests.cluster.cluster_world import DOMAIN, PORT, World, wait_for
from tests.cluster.numbers import note
from tests.integration.predictors import MODEL, free_ports, row

ROWS = 40


@pytest.fixture(scope="module")
def laptop(pumps: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run `millrace up` on the same deploy repository and stores; lend its port."""
    home, port = tmp_path_factory.mktemp("laptop"), free_ports(1)[0]
    environment = {**pumps.environment, "MILLRACE_HOME": str(home)}
    with (home / "up.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--port", str(port)],
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )

    def serves() -> bool:
        state = read_state(Settings(home=home))
        return state is not None and all(
            (arm := state.arm(name)) is not None and arm.ready for name in ("churn-v1", "pumps-v1")
        )

    try:
        wait_for(serves, "the laptop serves both workloads", 120)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def customers() -> list[str]:
    with Path("workloads/churn/data/telco.csv").open(newline="") as file:
        return [
            one["customerID"] for one, _ in zip(csv.DictReader(file), range(ROWS), strict=False)
        ]


def requests() -> list[tuple[str, InferRequest]]:
    """Return requests by key for churn, and with all features for the small model."""
    by_key = [
        ("churn", InferRequest("churn", [InferInput("customerID", [1], "BYTES", [name])]))
        for name in customers()
    ]
    pressures = np.linspace(-3, 3, ROWS)
    by_value = [
        (
            MODEL,
            InferRequest(
                MODEL,
                [
                    InferInput("pressure", [1], "FP32", [float(one)]),
                    InferInput("site", [1], "BYTES", ["north" if one > 0 else "else"]),
                ],
            ),
        )
        for one in pressures
    ]
    return by_key + by_value


async def asked(port: int) -> dict[str, list[Any]]:
    """Return the answers of a gateway, over REST and over gRPC."""
    rest = InferenceRESTClient(RESTConfig(protocol="v2", timeout=30))
    found: dict[str, list[Any]] = {"rest": [], "grpc": []}
    for workload, request in requests():
        host = f"{workload}.{DOMAIN}"
        answer = await rest.infer(
            f"http://127.0.0.1:{port}", request, model_name=workload, headers={"Host": host}
        )
        found["rest"].append(answer.outputs[0].as_numpy().tolist())
    for workload in ("churn", MODEL):
        grpc = InferenceGRPCClient(
            f"127.0.0.1:{port}",
            channel_args=[("grpc.default_authority", f"{workload}.{DOMAIN}")],
            timeout=30,
        )
        for name, request in requests():
            if name == workload:
                answer = await grpc.infer(request)
                found["grpc"].append(answer.outputs[0].as_numpy().tolist())
        await grpc.close()
    return found


def test_kserves_clients_get_the_laptops_answers_over_rest_and_grpc(
    pumps: World, laptop: int
) -> None:
    there, here = asyncio.run(asked(PORT)), asyncio.run(asked(laptop))
    assert len(there["rest"]) == len(there["grpc"]) == 2 * ROWS
    assert there == here
    assert there["rest"] == pytest.approx(np.array(there["grpc"]), abs=1e-6)


def test_the_first_protocol_answers_too(pumps: World) -> None:
    answer = pumps.ask(
        f"/v1/models/{MODEL}:predict", {"instances": [{"pressure": 0.0, "site": "else"}]}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == [0.5]


def test_an_unknown_host_is_answered_404_and_disturbs_nobody(pumps: World) -> None:
    assert pumps.ask(workload="nobody").status_code == 404
    assert pumps.ask(body=row()).status_code == 200


def test_a_client_cannot_name_the_arm_that_its_request_is_counted_for(pumps: World) -> None:
    for _ in range(20):
        pumps.ask(headers={"millrace-arm": "somebody-else"})
        pumps.ask(workload="nobody", headers={"millrace-arm": "somebody-else"})
    text = 'sum by (arm) (envoy_arms_request_count{arm=~"pumps-v1|somebody-else"})'
    wait_for(lambda: pumps.query(text).get(f"{MODEL}-v1", 0) >= 20, "the requests are counted")
    assert "somebody-else" not in pumps.query(text)


def test_an_arm_is_scaled_as_its_workload_says(pumps: World) -> None:
    scaler = pumps.get("hpa/pumps-v1-predictor", "--namespace", "models")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 3)
    assert scaler["metrics"][0]["resource"]["name"] == "cpu"
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 90


def test_how_much_the_gateway_and_the_pod_cost_is_told(pumps: World, laptop: int) -> None:
    """Note the medians of both ways, for people; a busy machine decides what they are."""
    medians = {}
    for name, port in {"cluster": PORT, "laptop": laptop}.items():
        done = subprocess.run(
            [
                *(sys.executable, "-m", "cli", "traffic", "churn", "--for", "5s", "--rate", "50"),
                *("--url", f"http://churn.{DOMAIN}:{port}", "--json"),
            ],
            env={**os.environ, **pumps.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["lost"] == 0
        medians[name] = report["latency"]["p50"]
    note("p50 of an answer by key, through gateway and predictor (ms)", medians)
