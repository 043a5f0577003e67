"""Secrets of the cluster: made once with random passwords, then read from where they are."""

from __future__ import annotations

import base64
import json
from secrets import token_hex

from tools.kind.cluster import Cluster

PLATFORM = "millrace"
ARMS = "models"


def kept_password(cluster: Cluster, name: str, key: str = "password") -> str:
    """Return the password of a Secret of the platform, which is made if there is none."""
    found = read_secret(cluster, PLATFORM, name)
    if key not in found:
        write_secret(cluster, PLATFORM, name, {**found, key: token_hex(16)})
        return kept_password(cluster, name, key)
    return found[key]


def read_secret(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """Return what a Secret holds; nothing, if there is none."""
    told = cluster.kubectl(
        *("get", "secret", name, "--namespace", namespace, "--ignore-not-found"),
        *("--output", "jsonpath={.data}"),
        quiet=True,
    )
    data = json.loads(told) if told else {}
    return {key: base64.b64decode(text).decode() for key, text in data.items()}


def write_secret(
    cluster: Cluster,
    namespace: str,
    name: str,
    values: dict[str, str],
    annotations: dict[str, str] | None = None,
) -> None:
    """Write a Secret; its values are in no command line."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": annotations or {},
            "labels": {"app.kubernetes.io/part-of": "millrace"},
        },
        "stringData": values,
    }
    cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--filename", "-"),
        given=json.dumps(secret),
    )


def platform_secrets(cluster: Cluster) -> dict[str, str]:
    """Make what the platform's own pods want, and return the passwords by the Secret's name."""
    access = read_secret(cluster, PLATFORM, "millrace-object-store")
    if not access:
        access = {"AWS_ACCESS_KEY_ID": "millrace", "AWS_SECRET_ACCESS_KEY": token_hex(16)}
        write_secret(cluster, PLATFORM, "millrace-object-store", access)
    return {
        "object-store": access["AWS_SECRET_ACCESS_KEY"],
        "redis": kept_password(cluster, "millrace-redis"),
        "postgres": kept_password(cluster, "millrace-postgres"),
    }


def arm_secrets(cluster: Cluster, passwords: dict[str, str], namespace: str = ARMS) -> None:
    """Make what the pods of arms want: the bucket as KServe reads it, and the online store."""
    write_secret(
        cluster,
        namespace,
        "millrace-object-store",
        {"AWS_ACCESS_KEY_ID": "millrace", "AWS_SECRET_ACCESS_KEY": passwords["object-store"]},
        {
            "serving.kserve.io/s3-endpoint": f"millrace-object-store.{PLATFORM}:7070",
            "serving.kserve.io/s3-usehttps": "0",
            "serving.kserve.io/s3-region": "us-east-1",
        },
    )
    address = f"millrace-redis.{PLATFORM}:6379,password={passwords['redis']}"
    write_secret(cluster, namespace, "millrace-online-store", {"address": address})
