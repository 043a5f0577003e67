"""The chart's life: tests, upgrades under load, a change that is refused."""

from tests.cluster.cluster_world import PLATFORM, World, load, wait_for
from tools.kind.dependencies import CHART, VALUES
from tools.kind.platform import tags_of


def upgrade(world: World, *settings: str) -> None:
    tags = [f"images.tags.{role}={tag}" for role, tag in tags_of(world.cluster).items()]
    words = [word for one in (*settings, *tags) for word in ("--set", one)]
    world.cluster.helm(
        *("upgrade", "millrace", str(CHART), "--namespace", PLATFORM),
        *("--values", str(VALUES), "--wait", "--timeout", "5m", *words),
    )


def gateway_pods(world: World) -> set[str]:
    found = world.get(
        *("pods", "--namespace", "envoy-gateway-system", "--selector"),
        "gateway.envoyproxy.io/owning-gateway-name=millrace",
    )
    return {one["metadata"]["uid"] for one in found["items"]}


def test_helm_test_passes(world: World) -> None:
    said = world.cluster.helm("test", "millrace", "--namespace", PLATFORM)
    assert "Succeeded" in said


def test_an_upgrade_under_load_loses_no_request(pumps: World) -> None:
    arm = pumps.released().stable.name
    before = {one["metadata"]["uid"] for one in pumps.pods(arm)}
    envoys = gateway_pods(pumps)
    with load(clients=4) as users:
        wait_for(lambda: users.statuses[200] > 100, "requests are answered")
        upgrade(pumps, "predictor.grace=11s", "gateway.resources.requests.cpu=60m")
        wait_for(lambda: not envoys & gateway_pods(pumps), "the gateway is another", 120)
        wait_for(
            lambda: not before & {one["metadata"]["uid"] for one in pumps.pods(arm)},
            "the arm's pods run with the new runtime",
            240,
        )
        pumps.wait_until_ready(arm)
        upgrade(pumps)
        after = users.statuses[200]
        wait_for(lambda: users.statuses[200] > after + 100, "requests are answered on")
    assert users.lost == 0, users.problems[:5]
