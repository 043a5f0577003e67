"""A number with quantiles is served, and a retrained model goes through its canary to the end."""

import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml

from millrace.deploy import open_repository
from millrace.release.history import present_release
from millrace.settings import Settings
from tests.integration.conftest import MILLRACE, Laptop
from tests.integration.predictors import free_ports, wait_for
from tests.workloads.deliveries_data import write_deliveries

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deliveries")]

ROLLOUT = {
    "steps": [{"setWeight": 50}],
    "analysis": {
        "interval": "1s",
        "minSamples": 100,
        "tolerance": {"errors": 0.05, "slow": 0.1, "scores": 0.3},
    },
    "policy": {"advance": "auto", "promote": "auto", "rollback": "auto"},
}
HOST = "deliveries.millrace.localhost"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Laptop, int]]:
    """Release a first model of deliveries, serve it, and return the gateway's port."""
    town = Laptop(tmp_path_factory.mktemp("served"))
    folder = town.workload("deliveries")
    shutil.copytree("tests/workloads/deliveries", folder)
    write_deliveries(folder)
    document = yaml.safe_load((folder / "workload.yaml").read_text())
    document["spec"] |= {"rollout": ROLLOUT, "serving": {"latency": "1s", "online": "fallback"}}
    (folder / "workload.yaml").write_text(yaml.safe_dump(document))
    port = free_ports(1)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MILLRACE_GATEWAY_PORT", str(port))
        assert town.run("deliveries")["outcome"] == "registered"
        expect(town, "pr", "merge", "1")
        expect(town, "up", "--detach")
        yield town, port
        town.millrace("down")


def expect(town: Laptop, *command: str) -> str:
    done = town.millrace(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        headers = {"Host": HOST, "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        content: dict[str, Any] = json.loads(response.read())
    assert response.status == 200, content
    return content


def test_an_answer_by_the_keys_of_both_entities_has_the_number_and_its_quantiles(
    served: tuple[Laptop, int],
) -> None:
    _, port = served
    keys = [
        {"name": "courier_id", "datatype": "BYTES", "shape": [2], "data": ["c01", "c02"]},
        {"name": "shop_id", "datatype": "INT64", "shape": [2], "data": [1, 2]},
    ]
    outputs = ask(port, "/v2/models/deliveries/infer", {"inputs": keys})["outputs"]
    assert [(o["name"], o["shape"]) for o in outputs] == [
        ("prediction", [2, 1]),
        ("quantiles", [2, 3]),
    ]
    low, middle, high = outputs[1]["data"][:3]
    assert 0 < low <= middle <= high < 200


def test_a_retrained_model_is_promoted_by_what_its_answers_do(served: tuple[Laptop, int]) -> None:
    town, _ = served
    settings = Settings(home=town.home)
    write_deliveries(town.workload("deliveries"), rows=1100)
    assert town.run("deliveries")["registration"]["version"] == 2
    expect(town, "pr", "merge", "2")
    traffic = subprocess.Popen(
        [MILLRACE, "traffic", "deliveries", "--rate", "80", "--for", "120s"],
        cwd=town.folder,
        env=town.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def promoted() -> bool:
        release = present_release(open_repository(settings), "deliveries")
        return release is not None and release.stable.version == 2 and release.canary is None

    try:
        wait_for(promoted, "the second model serves alone", deadline=110)
    finally:
        traffic.terminate()
        traffic.wait()
