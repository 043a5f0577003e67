"""`make kind-up` gave a platform that answers, and says so."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.cluster.cluster_world import ARMS, PLATFORM, World
from tests.cluster.conftest import tool
from tests.cluster.numbers import note


def test_the_churn_workload_answers_a_customer_by_key(world: World) -> None:
    request = {
        "inputs": [
            {"name": "customerID", "datatype": "BYTES", "shape": [1], "data": ["7590-VHVEG"]}
        ]
    }
    answer = world.ask("/v2/models/churn/infer", request, workload="churn")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert 0 < told["outputs"][0]["data"][0] < 1
    assert "degraded" not in told.get("parameters", {})


def test_a_second_kind_up_changes_nothing(world: World) -> None:
    def running() -> set[str]:
        found = [
            one
            for namespace in (PLATFORM, ARMS)
            for one in world.get("pods", "--namespace", namespace)["items"]
        ]
        return {one["metadata"]["uid"] for one in found}

    before = running()
    done = tool("up")
    assert done.returncode == 0, done.stderr
    assert running() == before


def test_every_pod_of_the_platform_is_ready_and_none_was_restarted(world: World) -> None:
    for one in world.get("pods", "--namespace", PLATFORM)["items"]:
        for status in one["status"]["containerStatuses"]:
            assert status["ready"], one["metadata"]["name"]
            assert status["restartCount"] == 0, one["metadata"]["name"]


def test_how_long_a_predictor_takes_to_be_ready_is_told(world: World) -> None:
    """Note what the kubelet saw, in whole seconds; the bound is a matter of the machine."""
    (pod,) = world.pods("churn-v1")
    conditions = {
        entry["type"]: entry["lastTransitionTime"] for entry in pod["status"]["conditions"]
    }
    started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    ready, created = conditions["Ready"], pod["metadata"]["creationTimestamp"]
    assert ready >= started >= created
    note("predictor, container started to ready (s)", between(started, ready))
    note("predictor, pod made to ready (s)", between(created, ready))


def between(one: str, other: str) -> float:
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()


@pytest.mark.usefixtures("world")
def test_the_commands_that_kind_up_tells_work_in_a_shell() -> None:
    script = """
    set -euo pipefail
    source build/kind/environment
    millrace pr list --state merged
    millrace traffic churn --for 2s
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Release churn v1" in done.stdout
    applied = tool("apply")
    assert applied.returncode == 0, applied.stderr
    assert "churn" in applied.stdout


@pytest.mark.parametrize(
    ("command", "environment", "told"),
    [
        ("up", {"PATH": "/nonexistent"}, "is not installed"),
        ("upp", {}, "found 'upp'; expected one of up, apply, down"),
        ("up", {"MILLRACE_CLUSTER_TOOLS": "/nonexistent"}, "/nonexistent"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    command: str, environment: dict[str, str], told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.kind", command],
        env={**os.environ, "MILLRACE_CLUSTER_TOOLS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_docker_that_does_not_answer_is_told_in_one_line(world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.kind", "up"],
        env={
            **world.cluster.shell.environment,
            "MILLRACE_CLUSTER_TOOLS": "",
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "docker" in done.stderr.lower()
    assert len(done.stderr.strip().splitlines()) == 1
