"""Settings decide where the controller runs; those that cannot be are told in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes_server import Cluster
from rollout_git import Clock, Git
from rollout_releases import begin, bring, candidate

from millrace.errors import MetricsError, MillraceError
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from serving.metrics.log import MetricsLog
from serving.metrics.prometheus import PrometheusSource
from serving.rollout.declared import DeclaredObjectives
from serving.rollout.kubernetes_readiness import KubernetesReadiness
from serving.rollout.readiness import LaptopReadiness
from serving.rollout.status import read_status
from serving.rollout.worlds import open_installation

CLUSTER = {
    "namespaces": "models, other",
    "prometheus": "http://prometheus.millrace:9090",
    "forge": "gitea",
    "deploy_repository": "https://gitea.example/owner/deploy.git",
    "mlflow_uri": "http://mlflow.millrace:5000",
}


def settings(home: Path, **more: Any) -> Settings:
    return Settings(home=home, **more)


def test_without_settings_it_is_a_laptop_with_files_and_no_page(tmp_path: Path) -> None:
    from serving.rollout.controller import broken

    found = open_installation(settings(tmp_path))
    assert isinstance(found.world.metrics, MetricsLog)
    assert isinstance(found.world.readiness, LaptopReadiness)
    assert found.port is None
    found.world.tell(broken("churn", "why", 1.0))
    told = read_status(settings(tmp_path), "churn")
    assert told is not None
    assert [told] == found.board.statuses()


def test_a_laptop_may_have_the_page_too(tmp_path: Path) -> None:
    assert open_installation(settings(tmp_path, rollout_port=8123)).port == 8123


def test_namespaces_make_it_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Cluster(url="http://127.0.0.1:1").kubeconfig(tmp_path / "config")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    found = open_installation(settings(tmp_path, **CLUSTER))
    assert isinstance(found.world.metrics, PrometheusSource)
    assert isinstance(found.world.readiness, KubernetesReadiness)
    assert found.port == 8080
    assert settings(tmp_path, **CLUSTER).arm_namespaces == ("models", "other")


@pytest.mark.parametrize(
    ("change", "variable"),
    [
        ({"namespaces": ""}, "MILLRACE_NAMESPACES"),
        ({"namespaces": "models,Other"}, "MILLRACE_NAMESPACES"),
        ({"namespaces": 'a"}[1s]'}, "MILLRACE_NAMESPACES"),
        ({"prometheus": ""}, "MILLRACE_PROMETHEUS"),
        ({"prometheus": "eve:s3cret@prometheus:9090"}, "MILLRACE_PROMETHEUS"),
        ({"prometheus": "http://"}, "MILLRACE_PROMETHEUS"),
        ({"forge": "local"}, "MILLRACE_FORGE"),
        ({"deploy_repository": ""}, "MILLRACE_DEPLOY_REPOSITORY"),
        ({"deploy_repository": "/srv/deploy.git"}, "MILLRACE_DEPLOY_REPOSITORY"),
        ({"mlflow_uri": ""}, "MILLRACE_MLFLOW_URI"),
        ({"mlflow_uri": "sqlite:////mlflow.db"}, "MILLRACE_MLFLOW_URI"),
    ],
)
def test_settings_that_cannot_be_name_the_variable(
    tmp_path: Path, change: dict[str, str], variable: str
) -> None:
    with pytest.raises(MillraceError) as raised:
        open_installation(settings(tmp_path, **{**CLUSTER, **change}))
    assert raised.value.where == variable
    assert "s3cret" not in str(raised.value)


def test_a_controller_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "MILLRACE" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "serving.rollout"],
        env={**environment, "MILLRACE_NAMESPACES": "models", "MILLRACE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "MILLRACE_PROMETHEUS" in json.loads(line)["reason"]


def test_arms_are_held_to_what_the_newest_one_declares_in_git() -> None:
    git = Git(Clock())
    begin(git, Rollout())
    objectives = DeclaredObjectives(git, git.clock)
    assert objectives(["churn-v7"])["churn-v7"].series == "50ms"
    bring(git, candidate(8))
    git.merge(1)
    path = "churn/arms/churn-v8.yaml"
    edited = git.files(git.main, "churn")[path].replace(b"--latency=50ms", b"--latency=20ms")
    git.commit(git.main, {path: edited}, "Ask for more")
    git.clock.now += 5
    found = objectives(["churn-v7", "churn-v8"])
    assert {one.seconds for one in found.values()} == {0.02}
    assert {one.series for one in found.values()} == {"20ms-1"}


def test_an_arm_that_git_does_not_name_has_no_objective() -> None:
    git = Git(Clock())
    begin(git, Rollout())
    with pytest.raises(MetricsError, match="churn-v9"):
        DeclaredObjectives(git, git.clock)(["churn-v9"])
    with pytest.raises(MetricsError, match="not known"):
        DeclaredObjectives(git, git.clock)(["flights-v1"])
