"""Envoy itself accepts what is written for it."""

from pathlib import Path

import pytest
from envoy_checks import refusal, static

from serving.local import envoy_config, envoy_routes
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
    assert refusal(tmp_path, static(tmp_path, hosts, ARMS)) == ""


def test_envoy_accepts_the_bootstrap_as_it_is(tmp_path: Path) -> None:
    for name in ("cds.json", "rds.json"):
        (tmp_path / name).write_bytes(envoy_config.resources([])[1])
    start = envoy_config.bootstrap(tmp_path, tmp_path / "admin.sock", 21000)
    assert refusal(tmp_path, start) == ""


def test_arms_without_weight_are_no_part_of_a_route() -> None:
    [host, _] = envoy_routes.routes([Host("a", ("a",), RICH, None)])["virtual_hosts"]
    clusters = host["routes"][1]["route"]["weighted_clusters"]["clusters"]
    assert [(one["name"], one["weight"]) for one in clusters] == [("pumps-v1/http", 1)]


def test_a_version_is_that_of_the_content() -> None:
    first, _ = envoy_config.resources([{"a": 1}])
    again, _ = envoy_config.resources([{"a": 1}])
    other, _ = envoy_config.resources([{"a": 2}])
    assert first == again != other
