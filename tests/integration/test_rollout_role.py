"""The controller of a cluster runs on what its role's requirements hold, and imports no more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking.client import MlflowClient

from tests.integration.cluster_stand_ins import (
    free_port,
    get,
    mlflow_server,
    process,
    statuses,
    until,
)
from tests.integration.role_blocker import block, foreign_modules

# isort: split
from gitea_http import gitea_server
from gitea_worlds import TOKEN, settings
from kubernetes_server import kubernetes_server, pod, service
from prometheus_server import prometheus_server
from rollout_releases import SITE, arm, candidate

from millrace.deploy import open_repository
from millrace.release.arms import canary_arm
from millrace.release.changes import propose_candidate
from millrace.release.reading import read_release
from millrace.release.writing import first_release
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving

LOCKED = Path("requirements/rollout.txt")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("MILLRACE_")]:
        monkeypatch.delenv(name)
    yield


@pytest.mark.slow
def test_a_canary_gets_weight_without_any_package_of_another_role(tmp_path: Path) -> None:
    foreign = foreign_modules(LOCKED)
    assert {"feast", "torch", "kfp", "pandas", "pyarrow", "sqlalchemy", "onnxruntime"} <= foreign
    block(foreign, tmp_path)
    port, log = free_port(), tmp_path / "rollout.log"
    url, home = f"http://127.0.0.1:{port}", tmp_path / "person"
    with (
        gitea_server(tmp_path / "server.git") as gitea,
        prometheus_server() as prometheus,
        kubernetes_server() as cluster,
        mlflow_server(tmp_path) as mlflow,
    ):
        repository = open_repository(settings(home, gitea))
        made = first_release("churn", arm(7), Serving(), Rollout(), SITE, now=1.0)
        repository.commit(repository.head(), made, "First release")
        client = MlflowClient(mlflow, mlflow)
        client.create_registered_model("churn")
        client.create_model_version(
            "churn", "s3://millrace/bundles/7", tags={"digest": arm(7).digest}
        )
        cluster.services["models"] = [service(arm(7).name), service(arm(8).name)]
        cluster.pods["models"] = [pod(one.name, one.digest) for one in (arm(7), arm(8))]
        environment = {
            "PYTHONPATH": str(tmp_path),
            "KUBECONFIG": str(cluster.kubeconfig(tmp_path / "kubeconfig")),
            "MILLRACE_HOME": str(tmp_path / "home"),
            "MILLRACE_NAMESPACES": "models",
            "MILLRACE_PROMETHEUS": prometheus.url,
            "MILLRACE_FORGE": "gitea",
            "MILLRACE_FORGE_TOKEN": TOKEN,
            "MILLRACE_DEPLOY_REPOSITORY": f"{gitea.url}/owner/deploy.git",
            "MILLRACE_MLFLOW_URI": mlflow,
            "MILLRACE_ROLLOUT_PORT": str(port),
        }
        with process([sys.executable, "-m", "serving.rollout"], log, **environment):
            until(
                lambda: statuses(url).get("churn", {}).get("phase") == "stable",
                lambda: log.read_text()[-3000:],
            )
            assert get(f"{url}/healthz") == (200, "ok\n")
            registered = client.get_registered_model
            until(
                lambda: "champion" in registered("churn").aliases,
                lambda: log.read_text()[-3000:],
            )

            head = repository.head()
            files = repository.files(head, "churn")
            release = read_release(files, "churn")
            brought = propose_candidate(
                files,
                release,
                candidate(8),
                canary_arm(files, release, candidate(8), Serving(), SITE),
                serving=Serving(),
                rollout=release.rollout,
                now=1.0,
            )
            repository.commit(head, brought, "Bring churn-v8")
            until(lambda: statuses(url)["churn"]["weight"] > 0, lambda: log.read_text()[-3000:])
            until(lambda: prometheus.queries, lambda: log.read_text()[-3000:])
            assert "millrace_rollout_weight" in get(f"{url}/metrics")[1]
        assert "ended" in log.read_text()
        assert "failed" not in log.read_text()
