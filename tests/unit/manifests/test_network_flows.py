"""Where NetworkPolicies are enforced, what must talk does, and a stranger does not."""

import pytest
from network_rules import Pod, allowed
from overlays import ARMS, GATEWAYS, PLATFORM, of_kind


def ours(name: str, *, bundled: bool = False) -> Pod:
    mark = {"millrace.dev/bundled": "true"} if bundled else {}
    return Pod(PLATFORM, {"app.kubernetes.io/name": f"millrace-{name}", **mark})


TEST, EVENTS, ROLLOUT = ours("test"), ours("events"), ours("rollout")
ARM = Pod(ARMS, {"serving.kserve.io/inferenceservice": "churn-v1"}, {"millrace.dev/arms": "true"})
GATEWAY, STRANGER, STORE = Pod(GATEWAYS), Pod("default"), Pod("stores")
MLFLOW, PROMETHEUS, GITEA = (ours(one, bundled=True) for one in ("mlflow", "prometheus", "gitea"))
REDIS, S3, POSTGRES = (ours(one, bundled=True) for one in ("redis", "object-store", "postgres"))
SCRAPERS = {"kind": PROMETHEUS, "production": Pod("monitoring")}

EVERYWHERE = [
    (GATEWAY, ARM, 8080),
    (GATEWAY, ARM, 8081),
    (ARM, EVENTS, 8080),
    (TEST, EVENTS, 8080),
    (TEST, ROLLOUT, 8080),
    (TEST, GATEWAY, 10080),
    (ROLLOUT, STORE, 443),
    (ROLLOUT, STORE, 6443),
]
OWN = {
    "kind": [
        *((TEST, one, port) for one, port in [(MLFLOW, 5000), (PROMETHEUS, 9090), (GITEA, 3000)]),
        *((ROLLOUT, one, port) for one, port in [(MLFLOW, 5000), (PROMETHEUS, 9090)]),
        (ROLLOUT, GITEA, 3000),
        (ARM, REDIS, 6379),
        (ARM, S3, 7070),
        (MLFLOW, POSTGRES, 5432),
        (PROMETHEUS, GATEWAY, 19001),
    ],
    "production": [(ARM, STORE, 443), (ARM, STORE, 6380)],
}
REFUSED = [
    (STRANGER, ARM, 8080),
    (STRANGER, EVENTS, 8080),
    (STRANGER, ROLLOUT, 8080),
    (ARM, ROLLOUT, 8080),
    (ARM, ARM, 8080),
    (ARM, STRANGER, 80),
    (EVENTS, STRANGER, 80),
    (TEST, ARM, 8080),
]


@pytest.mark.parametrize("name", ["kind", "production"])
def test_what_the_platform_needs_is_let_through(name: str) -> None:
    policies = of_kind(name, "NetworkPolicy")
    scraper = SCRAPERS[name]
    scrapes = [(scraper, ARM, 8082), (scraper, EVENTS, 8080), (scraper, ROLLOUT, 8080)]
    wanted = [*EVERYWHERE, *OWN[name], *scrapes]
    assert [one for one in wanted if not allowed(policies, *one)] == []


@pytest.mark.parametrize("name", ["kind", "production"])
def test_what_nobody_needs_is_refused(name: str) -> None:
    policies = of_kind(name, "NetworkPolicy")
    assert [one for one in REFUSED if allowed(policies, *one)] == []


@pytest.mark.parametrize("name", ["kind", "production"])
def test_the_pod_of_helm_test_finds_the_gateway_and_the_rollout_controller(name: str) -> None:
    found = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]["ports"]
        for one in of_kind(name, "Service")
    }
    assert found[GATEWAYS, "millrace-gateway"][0]["targetPort"] == 10080
    assert found[PLATFORM, "millrace-rollout"][0]["port"] == 80
