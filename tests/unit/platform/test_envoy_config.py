"""Envoy itself accepts what is written for it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from serving.local import envoy_config, envoy_routes
from serving.local.gateway import envoy_binary
from serving.local.splits import Copies, Endpoint, HeaderChanges, Host, Split, Target

ARMS = {"pumps-v1": (Endpoint(21001, 21002),), "pumps-v2": (Endpoint(21003, 21004),) * 2}
PLAIN = Split((Target("pumps-v1", 95), Target("pumps-v2", 5)))
RICH = Split(
    (
        Target(
            "pumps-v1",
            1,
            HeaderChanges({"millrace-arm": "100%"}, {"x-a": "b"}, ("x-secret",)),
            HeaderChanges({"x-arm": "pumps-v1"}),
        ),
        Target("pumps-v2", 0),
    ),
    (Copies("pumps-v2", 12.5),),
    timeout=0.0,
)


def static(folder: Path, hosts: list[Host]) -> dict[str, Any]:
    """Return a bootstrap in which all that Envoy would read from files stands in place."""
    start = envoy_config.bootstrap(folder, folder / "admin.sock", 21000)
    start.pop("dynamic_resources")
    clusters = []
    for arm, endpoints in ARMS.items():
        for role in envoy_config.ROLES:
            cluster = envoy_config.cluster(arm, role, folder)
            del cluster["@type"], cluster["eds_cluster_config"]
            found = envoy_config.endpoints(arm, role, endpoints)
            del found["@type"]
            clusters.append({**cluster, "type": "STATIC", "load_assignment": found})
    start["static_resources"]["clusters"] = clusters
    http = start["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    routes = envoy_routes.routes(hosts)
    del routes["@type"], http["typed_config"]["rds"]
    http["typed_config"]["route_config"] = {**routes, "validate_clusters": True}
    return start


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [Host("pumps", ("pumps.millrace.localhost",), None, None)],
        [Host("pumps", ("pumps.millrace.localhost", "*.pumps.example"), PLAIN, PLAIN)],
        [Host("a", ("a.localhost",), RICH, PLAIN), Host("b", ("b.localhost",), PLAIN, None)],
        [Host("pumps", ("pumps.localhost",), Split((Target("pumps-v1", 0),)), None)],
    ],
    ids=["nobody", "not ready", "canary", "filters and copies", "no weight"],
)
def test_envoy_accepts_the_configuration(hosts: list[Host], tmp_path: Path) -> None:
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(static(tmp_path, hosts)))
    done = subprocess.run(
        [str(envoy_binary()), "--mode", "validate", "-c", str(file), "--disable-hot-restart"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_envoy_accepts_the_bootstrap_as_it_is(tmp_path: Path) -> None:
    for name in ("cds.json", "rds.json"):
        (tmp_path / name).write_bytes(envoy_config.resources([])[1])
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(envoy_config.bootstrap(tmp_path, tmp_path / "admin.sock", 21000)))
    done = subprocess.run(
        [str(envoy_binary()), "--mode", "validate", "-c", str(file), "--disable-hot-restart"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_arms_without_weight_are_no_part_of_a_route() -> None:
    [host, _] = envoy_routes.routes([Host("a", ("a",), RICH, None)])["virtual_hosts"]
    clusters = host["routes"][1]["route"]["weighted_clusters"]["clusters"]
    assert [(one["name"], one["weight"]) for one in clusters] == [("pumps-v1/http", 1)]


def test_a_version_is_that_of_the_content() -> None:
    first, _ = envoy_config.resources([{"a": 1}])
    again, _ = envoy_config.resources([{"a": 1}])
    other, _ = envoy_config.resources([{"a": 2}])
    assert first == again != other
