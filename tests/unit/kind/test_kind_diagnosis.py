"""A wait that fails says what keeps a pod from being ready, in the one line and in the log."""

import json
from typing import Any

import pytest

from millrace.errors import MillraceError
from tests.unit.kind.kind_world import Machine
from tools.kind import platform
from tools.kind.cluster import Kind
from tools.kind.diagnosis import reason
from tools.kind.shell import LOG


def pod(name: str = "redis-0", *, ready: bool = False, **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}, *status.pop("conditions", [])]
    return {
        "metadata": {"name": name},
        "status": {"phase": "Running", "conditions": conditions, **status},
    }


def container(**status: Any) -> list[dict[str, Any]]:
    return [{"name": "redis", "state": {}, **status}]


def event(name: str, kind: str = "Pod", at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "type": "Warning",
        "reason": "FailedMount",
        "message": f"no secret at {at[:4]}",
        "lastTimestamp": at,
        "involvedObject": {"kind": kind, "name": name},
    }


PULL = {"reason": "ImagePullBackOff", "message": 'Back-off pulling\nimage "redis:7"'}
CRASH = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}
ENDED = {"reason": "Error", "exitCode": 1, "message": "no such bundle"}
NO_ROOM = {"reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu"}
CREATING = container(state={"waiting": {"reason": "ContainerCreating"}})


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            {"containerStatuses": container(state={"waiting": PULL})},
            'pod redis-0: ImagePullBackOff: Back-off pulling image "redis:7"',
        ),
        (
            {
                "containerStatuses": container(
                    state={"waiting": CRASH}, lastState={"terminated": ENDED}
                )
            },
            "pod redis-0: redis ended with 1, Error: no such bundle",
        ),
        (
            {
                "initContainerStatuses": container(state={"waiting": PULL}),
                "containerStatuses": container(state={"waiting": {"reason": "PodInitializing"}}),
            },
            'pod redis-0: ImagePullBackOff: Back-off pulling image "redis:7"',
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", **NO_ROOM}]},
            "pod redis-0: Unschedulable: 0/1 nodes: Insufficient cpu",
        ),
        ({"containerStatuses": CREATING}, ""),
    ],
)
def test_a_pod_says_itself_why_it_waits(status: dict[str, Any], told: str) -> None:
    assert reason([pod("mlflow-0", ready=True), pod(**status)], []) == told


def test_the_last_warning_is_told_where_no_pod_says_anything() -> None:
    events = [event("redis-0", at="2025"), event("redis-0", at="2026"), event("other-0", at="2027")]
    told = "pod redis-0: FailedMount: no secret at 2026"
    assert reason([pod(containerStatuses=CREATING)], events, "redis") == told
    assert reason([], [event("redis", "StatefulSet")], "redis").startswith("statefulset redis: ")


def test_pods_that_nobody_waits_for_are_no_reason() -> None:
    assert reason([pod(containerStatuses=container(state={"waiting": PULL}))], [], "mlflow") == ""


def test_a_wait_that_fails_names_the_pod_and_its_reason(machine: Machine) -> None:
    stuck = pod("millrace-redis-0", containerStatuses=container(state={"waiting": PULL}))
    (machine.folder / "pods").write_text(json.dumps({"items": [stuck]}))
    machine.write(
        "kubectl",
        'case "$*" in\n*"rollout status"*) echo "error: timed out" >&2; exit 1 ;;\n'
        "*pods*json*) cat pods ;;\n*events*json*) echo '{\"items\": []}' ;;\n"
        '*pods*wide*) echo "all the pods" ;;\n*events*) echo "all the events" ;;\n'
        '*"logs millrace-redis-0"*) echo "its last words" ;;\nesac',
    )
    with pytest.raises(MillraceError) as raised:
        platform._rolled_out(Kind(), "statefulset/millrace-redis")
    assert "error: timed out; found pod millrace-redis-0: ImagePullBackOff: Back-off" in str(
        raised.value
    )
    assert raised.value.remedy == "see the end of build/kind/log.txt"
    kept = LOG.read_text()
    for told in ("all the pods", "all the events", "its last words"):
        assert told in kept


def test_a_cluster_that_does_not_answer_is_told_as_it_was(machine: Machine) -> None:
    machine.write("kubectl", 'echo "error: connection refused" >&2; exit 1')
    with pytest.raises(MillraceError) as raised:
        platform._rolled_out(Kind(), "statefulset/millrace-redis")
    assert raised.value.problem == "error: connection refused"
    assert raised.value.found == ""
