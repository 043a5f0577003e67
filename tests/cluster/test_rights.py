"""Nobody may do more than needed: RBAC, Pod Security, NetworkPolicies."""

import json
from typing import Any

import pytest

from tests.cluster.cluster_world import ARMS, PLATFORM, World, wait_for
from tests.cluster.numbers import note

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
    pods = pumps.pods(pumps.released().stable.name)
    assert pods
    for pod in pods:
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


def asks(world: World, namespace: str, url: str) -> tuple[bool, str]:
    """Return whether a pod of a namespace gets an answer, and what it said."""
    code = f"import urllib.request as r; print(r.urlopen('{url}', None, 5).status)"
    world.apply(probing("prober", ["python", "-c", code]), namespace)
    try:

        def ended() -> str:
            phase = world.get("pod/prober", "--namespace", namespace)["status"]["phase"]
            return phase if phase in ("Succeeded", "Failed") else ""

        phase = wait_for(ended, "the pod has asked")
        said = world.tried("logs", "pod/prober", "--namespace", namespace).stdout
        return phase == "Succeeded", said
    finally:
        world.kubectl("delete", "pod/prober", "--namespace", namespace)


def test_network_policies_keep_strangers_out_where_the_network_enforces_them(pumps: World) -> None:
    """A pod in the namespace `default` asks a predictor, past the gateway.

    Not every network of a cluster enforces NetworkPolicies. Where this one does not, a policy
    that lets nothing in lets the stranger through as well; then that is said at the end of the run,
    and the rules themselves are held to what they should say by tests without a cluster.
    """
    address = pumps.pods(pumps.released().stable.name)[0]["status"]["podIP"]
    through, said = asks(pumps, "default", f"http://{address}:8080/v2/health/ready")
    enforced = enforces(pumps)
    note("NetworkPolicies are enforced by this cluster's network", enforced)
    assert through != enforced, said
    if enforced:
        assert "timed out" in said


def enforces(world: World) -> bool:
    """Return whether the network keeps anybody out: from a pod that a policy closes altogether."""
    closed = probing("closed", ["python", "-m", "http.server", "8000"])
    closed["metadata"]["labels"] = {"closed": "yes"}
    answers = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1}
    closed["spec"]["containers"][0]["readinessProbe"] = answers
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"podSelector": {"matchLabels": {"closed": "yes"}}, "policyTypes": ["Ingress"]},
    }
    world.apply({"apiVersion": "v1", "kind": "List", "items": [policy, closed]}, "default")
    try:

        def address() -> str:
            status = world.get("pod/closed", "--namespace", "default")["status"]
            listens = any(one["ready"] for one in status.get("containerStatuses", []))
            return str(status["podIP"]) if listens else ""

        url = f"http://{wait_for(address, 'a closed pod runs')}:8000/"
        return not asks(world, "default", url)[0]
    finally:
        world.kubectl("delete", "pod/closed", "networkpolicy/closed", "--namespace", "default")
