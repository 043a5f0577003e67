"""The chart, and the manifests that are rendered from it, against each other and a real API."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cluster_world import World
from tools.kind.dependencies import CHART, VALUES
from tools.manifests import OVERLAYS, key_of, objects


def helm(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["helm", *words],
        env=world.cluster.shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def kustomized(world: World, overlay: str) -> dict[Any, Any]:
    text = world.kubectl("kustomize", f"manifests/overlays/{overlay}")
    return {key_of(one): one for one in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def pod_monitors(world: World) -> None:
    """Have the Prometheus operator's PodMonitor, as its own module brings it."""
    version = yaml.safe_load(VALUES.read_text())["dependencies"]["prometheusOperator"]["version"]
    module = f"github.com/prometheus-operator/prometheus-operator@{version}"
    told = subprocess.run(
        ["go", "mod", "download", "-json", module], capture_output=True, text=True, check=True
    )
    folder = Path(json.loads(told.stdout)["Dir"], "example/prometheus-operator-crd")
    world.kubectl(
        *("apply", "--server-side", "--filename"),
        str(folder / "monitoring.coreos.com_podmonitors.yaml"),
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_and_helm_give_the_same_platform(world: World, overlay: str) -> None:
    assert kustomized(world, overlay) == objects(overlay)


@pytest.mark.usefixtures("pod_monitors")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_server_takes_every_object(world: World, overlay: str) -> None:
    """Nothing is changed; what is not installed is sent to a namespace that has none of it."""
    found = list(kustomized(world, overlay).values())
    for one in found:
        if overlay != "kind" and "namespace" in one["metadata"]:
            one["metadata"]["namespace"] = "default"
    done = world.tried(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--filename", "-"),
        given=yaml.safe_dump_all(found),
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(found)
    assert "warning" not in done.stderr.lower(), done.stderr


@pytest.mark.parametrize("values", ["values.yaml", "values-kind.yaml", "values-production.yaml"])
def test_the_chart_passes_helm_lint(world: World, values: str) -> None:
    done = helm(world, "lint", str(CHART), "--strict", "--values", str(CHART / values))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("gateway.replica=2", "additional properties 'replica' not allowed"),
        ("gateway.replicas=0", "/gateway/replicas"),
        ("gateway.service.type=Loadbalancer", "/gateway/service/type"),
        ("gateway.service.nodePort=80", "/gateway/service/nodePort"),
        ("predictor.grace=soon", "/predictor/grace"),
        ("predictor.grace=16s", "/predictor/grace"),
        ("predictor.maxUnavailable=0", "/predictor/maxUnavailable"),
        ("site.bucket=millrace", "/site/bucket"),
        ("objectStore.endpoint=s3:7070", "additional properties 'endpoint' not allowed"),
        ("rollout.settling=soon", "/rollout/settling"),
        ("rollout.envFrom[0].secretRef.name=logins", "/rollout/envFrom/0"),
        ("createWorkloadNamespaces=no", "/createWorkloadNamespaces"),
        ("monitoring.podMonitorLabels.release=a b", "/monitoring/podMonitorLabels/release"),
        ("workloadNamespaces={Models}", "/workloadNamespaces/0"),
        ("workloadNamespaces=null", "workloadNamespaces"),
        ("events.storage=5", "/events/storage"),
        ("monitoring.prometheus=prometheus:9090", "/monitoring/prometheus"),
        ("deployRepository.url=https://git.example.com/a.git", "deployRepository.forgeUrl"),
        ("workloadNamespaces={millrace}", "workloadNamespaces"),
    ],
)
def test_a_wrong_value_is_told_with_its_place_before_anything_changes(
    world: World, setting: str, told: str
) -> None:
    done = helm(
        world,
        *("upgrade", "--install", "millrace", str(CHART), "--namespace", "millrace"),
        *("--kube-context", "kind-millrace", "--set", setting, "--dry-run"),
    )
    assert done.returncode != 0
    assert told in done.stderr, done.stderr
