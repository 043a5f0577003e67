"""The settings by which `millrace` on this machine works with the stores of the cluster."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tools.kind.cluster import Cluster
from tools.kind.gitea import REPOSITORY, URL, USER
from tools.kind.ports import reached
from tools.kind.secrets import PLATFORM, read_secret
from tools.kind.shell import FOLDER

FILE = FOLDER / "environment"
HOME = FOLDER / "home"
OBJECT_STORE = f"http://{reached(30070)}"
GATEWAY = f"http://{reached(30080)}"


def settings_for(cluster: Cluster) -> dict[str, str]:
    """Return the variables; they hold passwords."""
    access = read_secret(cluster, PLATFORM, "millrace-object-store")
    redis = read_secret(cluster, PLATFORM, "millrace-redis")["password"]
    return {
        "MILLRACE_HOME": str(HOME.resolve()),
        "MILLRACE_BUCKET_REMOTE": "true",
        "MILLRACE_GATEWAY_PORT": GATEWAY.rpartition(":")[2],
        "MILLRACE_S3_ENDPOINT": OBJECT_STORE,
        **access,
        "AWS_DEFAULT_REGION": "us-east-1",
        "MILLRACE_MLFLOW_URI": f"http://{reached(30050)}",
        "MILLRACE_ONLINE_STORE": "redis",
        "MILLRACE_REDIS": f"{reached(30079)},password={redis}",
        "MILLRACE_DEPLOY_REPOSITORY": f"{URL}/{USER}/{REPOSITORY}.git",
        "MILLRACE_FORGE": "gitea",
        "MILLRACE_FORGE_URL": URL,
        "MILLRACE_FORGE_TOKEN": read_secret(cluster, PLATFORM, "millrace-forge")["token"],
    }


def write_environment(settings: dict[str, str], kubeconfig: str) -> Path:
    """Write them for a shell to source, and for its owner alone to read."""
    exports = {**settings, **({"KUBECONFIG": kubeconfig} if kubeconfig else {})}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()]
    descriptor = os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(lines)
    return FILE
