"""An arm of a cluster gets weight once every pod of it answers with the bundle that Git names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from kubernetes_server import Cluster, kubernetes_server, pod, service
from structlog.testing import LogCapture

from serving.rollout.kubernetes_api import KubernetesError, open_kubernetes
from serving.rollout.kubernetes_readiness import KubernetesReadiness, unready

ARM, DIGEST, OTHER = "churn-v8", "8" * 64, "7" * 64


def gone(one: dict[str, Any]) -> dict[str, Any]:
    one["metadata"]["deletionTimestamp"] = "2026-02-03T04:05:06Z"
    return one


READY = pod(ARM, DIGEST)


@pytest.mark.parametrize(
    ("replicas", "pods", "why"),
    [
        (1, [READY], ""),
        (None, [READY], ""),
        (1, [READY, pod(ARM, DIGEST, "b")], ""),
        (2, [READY, pod(ARM, DIGEST, "b", phase="Failed", ready=False), pod(ARM, DIGEST, "c")], ""),
        (1, [READY, gone(pod(ARM, DIGEST, "b", ready=False))], ""),
        (1, [], "0 of 1 pods"),
        (0, [], "0 of 1 pods"),
        (2, [READY], "1 of 2 pods"),
        (2, [READY, gone(pod(ARM, DIGEST, "b"))], "1 of 2 pods"),
        (1, [gone(pod(ARM, DIGEST))], "0 of 1 pods"),
        (1, [READY, pod(ARM, DIGEST, "b", ready=False)], "is not ready"),
        (1, [pod(ARM, OTHER)], "another bundle"),
        (1, [READY, pod(ARM, OTHER, "old")], "another bundle"),
        (1, [READY, gone(pod(ARM, OTHER, "old"))], "another bundle"),
        (1, [pod(ARM, DIGEST + "0")], "another bundle"),
        (1, [{"metadata": {"name": "bare"}}], "another bundle"),
    ],
)
def test_all_pods_that_are_asked_for_are_ready_with_the_bundle(
    replicas: int | None, pods: list[Any], why: str
) -> None:
    found = unready(service(ARM, replicas), pods, DIGEST)
    assert why in found
    assert bool(found) == bool(why)


def test_an_arm_that_is_being_deleted_gets_no_weight() -> None:
    assert "deleted" in unready(gone(service(ARM)), [READY], DIGEST)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with kubernetes_server() as server:
        yield server


@pytest.fixture
def readiness(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> KubernetesReadiness:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "config")))
    # the package reads the variable when it is first imported
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config")
    )
    now = iter(range(1000))
    return KubernetesReadiness(open_kubernetes(2.0), ["models", "other"], clock=lambda: next(now))


def test_arms_are_found_in_every_namespace_by_their_own_pods(
    cluster: Cluster, readiness: KubernetesReadiness
) -> None:
    cluster.services = {"models": [service("churn-v7")], "other": [service(ARM)]}
    cluster.pods = {"models": [pod("churn-v7", OTHER, ready=False)], "other": [READY]}
    assert readiness.ready(ARM, DIGEST)
    assert not readiness.ready("churn-v7", OTHER)
    assert not readiness.ready("churn-v9", OTHER)


def test_an_arm_of_the_same_name_in_two_namespaces_must_be_ready_in_both(
    cluster: Cluster, readiness: KubernetesReadiness
) -> None:
    cluster.services = {"models": [service(ARM)], "other": [service(ARM)]}
    cluster.pods = {"models": [READY]}
    assert not readiness.ready(ARM, DIGEST)
    cluster.pods["other"] = [READY]
    assert readiness.ready(ARM, DIGEST)


def test_nothing_is_asked_of_other_namespaces_or_of_the_whole_cluster(
    cluster: Cluster, readiness: KubernetesReadiness
) -> None:
    readiness.ready(ARM, DIGEST)
    kinds = "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices"
    pods = "/api/v1/namespaces/{}/pods?labelSelector=serving.kserve.io%2Finferenceservice"
    asked = [one.format(name) for name in ("models", "other") for one in (kinds, pods)]
    assert cluster.asked == asked


def test_all_arms_of_a_round_are_told_from_one_look(
    cluster: Cluster, readiness: KubernetesReadiness
) -> None:
    readiness._clock = lambda: 5.0
    for arm in ("churn-v7", ARM, "flights-v1"):
        readiness.ready(arm, DIGEST)
    assert len(cluster.asked) == 4


def test_an_api_that_refuses_is_told_once_and_its_arms_are_not_ready(
    cluster: Cluster, readiness: KubernetesReadiness
) -> None:
    log = LogCapture()
    structlog.configure(processors=[log])
    cluster.services, cluster.pods = {"other": [service(ARM)]}, {"other": [READY]}
    cluster.refused = {"models": 403}
    for _ in range(3):
        assert readiness.ready(ARM, DIGEST)
        assert not readiness.ready("churn-v7", OTHER)
    assert [one["event"] for one in log.entries] == ["readiness_failed"]
    assert "403" in log.entries[0]["reason"]
    assert "list inferenceservices and pods" in log.entries[0]["reason"]


@pytest.mark.parametrize("broken", [b"<html>", b'{"items": 3}', b"[]", b"{}"])
def test_what_is_no_kubernetes_api_is_no_crash(
    cluster: Cluster, readiness: KubernetesReadiness, broken: bytes
) -> None:
    cluster.broken = broken
    assert not readiness.ready(ARM, DIGEST)


def test_an_api_that_is_gone_knows_no_arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Cluster(url="http://127.0.0.1:1").kubeconfig(tmp_path / "config")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    assert not KubernetesReadiness(open_kubernetes(2.0), ["models"]).ready(ARM, DIGEST)


def test_without_a_cluster_one_line_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none")
    )
    with pytest.raises(KubernetesError, match="set KUBECONFIG"):
        open_kubernetes(2.0)
