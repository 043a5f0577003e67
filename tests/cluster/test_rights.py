"""Nobody may do more than needed: RBAC, Pod Security, NetworkPolicies."""

import json
from typing import Any

import pytest

from tests.cluster.cluster_world import ARMS, PLATFORM, World, wait_for

ROLLOUT = f"system:serviceaccount:{PLATFORM}:millrace-rollout"
ALLOWED = {
    ("list", "inferenceservices.serving.kserve.io"),
    ("list", "pods"),
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = (
    "inferenceservices.serving.kserve.io",
    "pods",
    "secrets",
    "configmaps",
    "deployments.apps",
    "httproutes.gateway.networking.k8s.io",
    "roles.rbac.authorization.k8s.io",
)


def may(world: World, who: str, verb: str, resource: str, namespace: str, *more: str) -> bool:
    words = ("--as", who, "--namespace", namespace, *more)
    done = world.tried("auth", "can-i", verb, resource, *words)
    return done.stdout.strip() == "yes"


def test_the_rollout_controller_may_look_at_arms_and_nothing_else(world: World) -> None:
    allowed = {
        (verb, resource)
        for verb in VERBS
        for resource in RESOURCES
        if may(world, ROLLOUT, verb, resource, ARMS)
    }
    assert allowed == ALLOWED
    assert not may(world, ROLLOUT, "create", "pods", ARMS, "--subresource=exec")


@pytest.mark.parametrize("namespace", [PLATFORM, "default", "kube-system"])
def test_the_rollout_controller_may_do_nothing_elsewhere(world: World, namespace: str) -> None:
    assert not any(
        may(world, ROLLOUT, verb, resource, namespace)
        for verb, resource in {*ALLOWED, ("get", "secrets"), ("create", "pods")}
    )


def test_arms_get_no_token_for_the_api_server(pumps: World) -> None:
    for pod in pumps.pods("pumps-v1"):
        mounts = [
            mount["mountPath"]
            for container in pod["spec"]["containers"]
            for mount in container.get("volumeMounts", [])
        ]
        assert "/var/run/secrets/kubernetes.io/serviceaccount" not in mounts


@pytest.mark.parametrize("namespace", [PLATFORM, ARMS])
def test_a_pod_that_is_not_restricted_is_refused(world: World, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "careless"},
        "spec": {"containers": [{"name": "careless", "image": "python:3.11-slim-bookworm"}]},
    }
    done = world.tried(
        *("apply", "--namespace", namespace, "--dry-run=server", "--filename", "-"),
        given=json.dumps(pod),
    )
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted' in done.stderr


def probing(name: str, command: list[str]) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": "millrace/serving:0.1.0",
                    "command": command,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def test_network_policies_keep_strangers_out_where_the_network_enforces_them(pumps: World) -> None:
    """A pod in the namespace `default` asks a predictor, past the gateway.

    Not every network of a cluster enforces NetworkPolicies. Where this one does not, a policy
    that forbids everything lets the stranger through as well; then that is said, and the rules
    are only held to what they should say.
    """
    address = pumps.pods("pumps-v1")[0]["status"]["podIP"]
    ask = f"import urllib.request as r; r.urlopen('http://{address}:8080/v2/health/ready', None, 5)"
    pumps.apply(probing("stranger", ["python", "-c", ask]), "default")
    try:

        def ended() -> str:
            phase = pumps.get("pod/stranger", "--namespace", "default")["status"]["phase"]
            return phase if phase in ("Succeeded", "Failed") else ""

        let_through = wait_for(ended, "the stranger ends") == "Succeeded"
    finally:
        pumps.kubectl("delete", "pod/stranger", "--namespace", "default")
    policies = pumps.get("networkpolicies", "--namespace", ARMS)["items"]
    rules = {one["metadata"]["name"]: one["spec"] for one in policies}
    assert set(rules["millrace-default"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in rules["millrace-default"]
    assert [one["from"] for one in rules["millrace-arms"]["ingress"]] == [
        [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}]
        for name in ("envoy-gateway-system", PLATFORM)
    ]
    if let_through:
        assert not enforced(pumps), "a stranger reached a predictor past the gateway"
        print("this cluster's network enforces no NetworkPolicy: the rules were only read")


def enforced(world: World) -> bool:
    """Return whether this cluster's network enforces NetworkPolicies at all: kindnet does."""
    found = world.get("daemonsets", "--namespace", "kube-system")["items"]
    return any(one["metadata"]["name"] in ("kindnet", "cilium", "calico-node") for one in found)
