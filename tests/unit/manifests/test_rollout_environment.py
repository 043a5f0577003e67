"""What the rollout controller finds in its pod."""

from typing import Any

import pytest
import yaml
from helm_chart import rendered
from overlays import of_kind

AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO")


def pod_among(deployments: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the specification of the controller's pod."""
    found = {one["metadata"]["name"]: one for one in deployments}
    told: dict[str, Any] = found["millrace-rollout"]["spec"]["template"]["spec"]
    return told


def pod_with(*settings: str) -> dict[str, Any]:
    """Return the pod that the chart makes of further values."""
    own = ("deployRepository.url=https://git.example.com", "deployRepository.forgeUrl=https://git")
    words = [word for one in (*own, *settings) for word in ("--set", one)]
    done = rendered("--show-only", "templates/rollout.yaml", *words)
    assert done.returncode == 0, done.stderr
    every = yaml.safe_load_all(done.stdout)
    return pod_among([one for one in every if one["kind"] == "Deployment"])


@pytest.mark.parametrize("name", ["kind", "production"])
def test_services_beside_it_do_not_become_its_settings(name: str) -> None:
    """A Service millrace-rollout would be MILLRACE_ROLLOUT_PORT=tcp://… otherwise."""
    assert pod_among(of_kind(name, "Deployment"))["enableServiceLinks"] is False


def test_logins_come_from_secrets_that_the_values_name() -> None:
    address = "https://reader:$(PASSWORD)@prometheus.example.com"
    pod = pod_with("rollout.envFrom={logins,more}", f"monitoring.prometheus={address}")
    container = pod["containers"][0]
    assert [one["secretRef"]["name"] for one in container["envFrom"]] == ["logins", "more"]
    assert {"name": "MILLRACE_PROMETHEUS", "value": address} in container["env"]


def test_authorities_of_ones_own_are_trusted_by_all_that_the_controller_asks() -> None:
    pod = pod_with("rollout.caConfigMap=authorities")
    container = pod["containers"][0]
    told = {one["name"]: one.get("value") for one in container["env"]}
    places = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert {told[name] for name in AUTHORITIES} == {f"{places['certificates']}/ca.crt"}
    assert {"name": "certificates", "configMap": {"name": "authorities"}} in pod["volumes"]
    assert not set(AUTHORITIES) & {one["name"] for one in pod_with()["containers"][0]["env"]}
