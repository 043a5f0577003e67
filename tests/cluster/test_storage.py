"""Any team serves an ONNX bundle by a few lines: from the bucket or a volume, checked by digest."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml

from tests.cluster.cluster_world import ARMS, World, wait_for
from tests.cluster.in_pods import said_by
from tests.integration.predictors import MODEL, ServedBundle, row
from tools.kind.environment import GATEWAY

TEN_LINES = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {{name: {name}}}
spec:
  predictor:
    serviceAccountName: millrace-arm
    model:
      modelFormat: {{name: millrace-onnx}}
      storageUri: {uri}
      args: ["--model-name={model}", "--version=1", "--digest={digest}"]
"""


def service(name: str, uri: str, digest: str) -> Any:
    return yaml.safe_load(TEN_LINES.format(name=name, uri=uri, digest=digest, model=MODEL))


@pytest.fixture
def removed(world: World) -> Iterator[list[str]]:
    """Take names of InferenceServices that are to go in the end."""
    names: list[str] = []
    yield names
    for name in names:
        world.kubectl("delete", "inferenceservice", name, "--namespace", ARMS, "--wait=true")


def answered(name: str) -> requests.Response:
    """Ask an InferenceService by the route that KServe itself makes."""
    return requests.post(
        f"{GATEWAY}/v2/models/{MODEL}/infer",
        json=row(),
        headers={"Host": f"{name}-{ARMS}.millrace.localhost"},
        timeout=10,
    )


def test_ten_lines_serve_a_bundle_from_the_bucket(
    world: World, bundle: ServedBundle, removed: list[str]
) -> None:
    assert len(TEN_LINES.strip().splitlines()) <= 10
    world.apply(service("by-hand", world.publish(bundle), bundle.digest))
    removed.append("by-hand")
    world.wait_until_ready("by-hand")
    wait_for(lambda: answered("by-hand").status_code == 200, "KServe's route answers")
    assert answered("by-hand").json()["model_version"] == "1"


def test_a_bundle_on_a_volume_is_served_too(
    world: World, bundle: ServedBundle, removed: list[str]
) -> None:
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "bundles"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
    }
    world.apply(volume)
    try:
        world.apply(filling(bundle))
        world.kubectl(
            *("wait", "job/fill-bundles", "--namespace", ARMS),
            *("--for=condition=Complete", "--timeout=120s"),
        )
        world.apply(service("by-volume", "pvc://bundles/pumps", bundle.digest))
        removed.append("by-volume")
        world.wait_until_ready("by-volume")
        wait_for(lambda: answered("by-volume").status_code == 200, "it answers")
        world.kubectl("delete", "inferenceservice", removed.pop(), "--namespace", ARMS)
    finally:
        world.kubectl("delete", "job/fill-bundles", "configmap/bundle", "--namespace", ARMS)
        world.kubectl("delete", "pvc/bundles", "--namespace", ARMS, "--wait=false")


def filling(bundle: ServedBundle) -> Any:
    """Return a ConfigMap with a bundle, and a job that copies it onto the volume."""
    from base64 import b64encode

    files = {file.name: b64encode(file.read_bytes()).decode() for file in bundle.folder.iterdir()}
    restricted = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "fill",
        "image": "millrace/serving:0.1.0",
        "command": ["sh", "-c", "mkdir -p /volume/pumps && cp -L /bundle/* /volume/pumps/"],
        "securityContext": restricted,
        "volumeMounts": [
            {"name": "bundle", "mountPath": "/bundle"},
            {"name": "volume", "mountPath": "/volume"},
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": {"fsGroup": 65532},
        "containers": [container],
        "volumes": [
            {"name": "bundle", "configMap": {"name": "bundle"}},
            {"name": "volume", "persistentVolumeClaim": {"claimName": "bundles"}},
        ],
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "fill-bundles"},
        "spec": {"template": {"spec": pod}},
    }
    content = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "bundle"},
        "binaryData": files,
    }
    return {"apiVersion": "v1", "kind": "List", "items": [content, job]}


@pytest.mark.parametrize("what", ["no bundle there", "another digest", "wrong credentials"])
def test_what_cannot_be_served_is_told_in_one_line_and_never_gets_ready(
    world: World, bundle: ServedBundle, removed: list[str], what: str
) -> None:
    name = what.replace(" ", "-")
    uri, digest = world.publish(bundle), bundle.digest
    wrong = service(name, uri, digest)
    if what == "no bundle there":
        wrong = service(name, f"s3://millrace/bundles/sha256/{'0' * 64}", "0" * 64)
    elif what == "another digest":
        wrong = service(name, uri, "1" * 64)
    else:
        world.apply(
            {
                "apiVersion": "v1",
                "kind": "List",
                "items": [
                    {
                        "apiVersion": "v1",
                        "kind": "Secret",
                        "metadata": {
                            "name": "wrong",
                            "annotations": world.get("secret/millrace-object-store", "-n", ARMS)[
                                "metadata"
                            ]["annotations"],
                        },
                        "stringData": {
                            "AWS_ACCESS_KEY_ID": "nobody",
                            "AWS_SECRET_ACCESS_KEY": "nothing",
                        },
                    },
                    {
                        "apiVersion": "v1",
                        "kind": "ServiceAccount",
                        "metadata": {"name": "wrong"},
                        "secrets": [{"name": "wrong"}],
                    },
                ],
            }
        )
        wrong["spec"]["predictor"]["serviceAccountName"] = "wrong"
    world.apply(wrong)
    removed.append(name)
    told = wait_for(lambda: said_by(world, name), f"{name} says why", 120)
    assert not world.is_ready(name)
    expected = {
        "no bundle there": ("storage-initializer", "0" * 64),
        "another digest": ("kserve-container", "1" * 64),
        "wrong credentials": ("storage-initializer", "Storage initialization failed"),
    }[what]
    container, part = expected
    assert part in told[container], json.dumps(told)[:2000]
