"""The platform's chart with the stores that it brings on one machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.kind.charts import install_chart
from tools.kind.cluster import Cluster
from tools.kind.dependencies import CHART, VALUES
from tools.kind.diagnosis import telling_why
from tools.kind.gitea import Gitea
from tools.kind.progress import step, together, until
from tools.kind.secrets import (
    ARMS,
    PLATFORM,
    arm_secrets,
    kept_password,
    platform_secrets,
    read_secret,
    write_secret,
)

NAMESPACE = Path("manifests/base/namespace.yaml")
STORES = ("redis", "object-store", "postgres", "prometheus", "gitea")
ROLLOUT = "deployment/millrace-rollout"
_ACCOUNT = (
    "read -r password && gitea admin user create --admin --username millrace"
    ' --password "$password" --email millrace@example.com --must-change-password=false'
)
"""Makes the account, of a password that is in no command line of this machine."""
_REMEDY = f"see `kubectl get pods,events --namespace {PLATFORM}`"


def install_platform(
    cluster: Cluster, tags: Mapping[str, str], *, settings: Sequence[str] = ()
) -> None:
    """Install the chart and wait until all that it brings answers.

    Args:
        cluster: where.
        tags: of our images, by role.
        settings: further values for Helm, such as `predictor.grace=12s`.
    """
    registry = os.environ.get("MILLRACE_REGISTRY", "")
    values = [
        *settings,
        *(f"images.tags.{role}={tag}" for role, tag in tags.items()),
        *([f"images.registry={registry}"] if registry else []),
    ]
    with step("namespace and secrets"):
        cluster.kubectl("apply", "--server-side", "--filename", str(NAMESPACE))
        passwords = platform_secrets(cluster)
    with step("chart"):
        install_chart(
            cluster,
            "millrace",
            PLATFORM,
            *(str(CHART), "--values", str(VALUES), "--timeout", "5m"),
            *(word for value in values for word in ("--set", value)),
        )
        arm_secrets(cluster, passwords, ARMS)
    together(lambda: _wait_for_stores(cluster), lambda: _wait_for_gateway(cluster))
    with step("deploy repository"):
        _make_deploy_repository(cluster)
    with step("registry, events, rollout controller"):
        for name in ("deployment/millrace-mlflow", "statefulset/millrace-events"):
            _rolled_out(cluster, name)
        _rolled_out(cluster, ROLLOUT)


def tags_of(cluster: Cluster) -> dict[str, str]:
    """Return the tags of our images that the installed chart names, by role."""
    told = cluster.helm("get", "values", "millrace", "--namespace", PLATFORM, "--output", "json")
    found: dict[str, str] = json.loads(told).get("images", {}).get("tags", {})
    return found


def _wait_for_stores(cluster: Cluster) -> None:
    with step("stores, Prometheus, Gitea"):
        for name in STORES:
            _rolled_out(cluster, f"statefulset/millrace-{name}")


def _wait_for_gateway(cluster: Cluster) -> None:
    with step("gateway"), telling_why(cluster, "envoy-gateway-system"):
        cluster.kubectl(
            *("wait", "gateway/millrace", "--namespace", PLATFORM),
            *("--for=condition=Programmed", "--timeout=180s"),
        )


def _rolled_out(cluster: Cluster, name: str) -> None:
    with telling_why(cluster, PLATFORM, name.partition("/")[2]):
        cluster.kubectl("rollout", "status", name, "--namespace", PLATFORM, "--timeout=300s")


def _make_deploy_repository(cluster: Cluster) -> None:
    """Give Gitea an account, the repository, and the rollout controller its token."""
    password = kept_password(cluster, "millrace-forge")
    gitea = Gitea(password)
    until("Gitea", gitea.answers, 60, _REMEDY)
    if not gitea.knows_us():
        cluster.kubectl(
            *("exec", "--stdin", "--namespace", PLATFORM, "statefulset/millrace-gitea", "--"),
            *("sh", "-c", _ACCOUNT),
            given=f"{password}\n",
        )
    gitea.make_repository()
    keep_token(cluster, gitea, password)


def keep_token(cluster: Cluster, gitea: Gitea, password: str) -> None:
    """Keep the deploy repository's token, or a new one for the rollout controller to start with."""
    found = read_secret(cluster, PLATFORM, "millrace-forge").get("token", "")
    if found and gitea.takes(found):
        return
    token = gitea.new_token()
    write_secret(cluster, PLATFORM, "millrace-forge", {"password": password, "token": token})
    if found:  # a pod reads a Secret's keys when it starts
        cluster.kubectl("rollout", "restart", ROLLOUT, "--namespace", PLATFORM)
