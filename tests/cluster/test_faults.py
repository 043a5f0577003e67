"""What breaks is told; what served goes on serving."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from millrace.workload.rollout import Rollout
from tests.cluster.cluster_world import ARMS, PLATFORM, World, load, wait_for
from tests.cluster.in_pods import said_by
from tests.integration.predictors import MODEL, ServedBundle, make_bundle

BY_KEY = {
    "inputs": [{"name": "customerID", "datatype": "BYTES", "shape": [1], "data": ["7590-VHVEG"]}]
}


def stable(world: World) -> str:
    return world.released().stable.name


@pytest.fixture
def on_trial(pumps: World) -> Iterator[None]:
    """Take the canary away again, whatever became of it."""
    before = pumps.repository.files(pumps.repository.head(), MODEL)
    yield
    repository = pumps.repository
    head = repository.head()
    gone: dict[str, bytes | None] = dict.fromkeys(repository.files(head, MODEL))
    repository.commit(head, {**gone, **before}, "As before")
    pumps.apply_release()


def test_a_predictor_that_is_killed_under_load_loses_no_request(pumps: World) -> None:
    arm = stable(pumps)
    with load(clients=4) as users:
        wait_for(lambda: users.statuses[200] > 100, "requests are answered")
        victim = pumps.pods(arm)[0]["metadata"]["name"]
        pumps.kubectl(
            *("delete", "pod", victim, "--namespace", ARMS),
            *("--grace-period=0", "--force", "--wait=false"),
        )
        wait_for(
            lambda: len([one for one in pumps.pods(arm) if is_ready(one)]) == 2,
            "another pod has taken its place",
            120,
        )
        after = users.statuses[200]
        wait_for(lambda: users.statuses[200] > after + 100, "requests are answered on")
    assert users.lost == 0, users.problems[:5]


def is_ready(pod: dict[str, Any]) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in pod["status"].get("conditions", [])
    )


def test_a_corrupted_bundle_is_never_given_weight_and_the_stable_arm_serves_on(
    pumps: World, tmp_path: Path, on_trial: None
) -> None:
    sound = make_bundle(tmp_path / "sound", slow=3)
    corrupted = Path(shutil.copytree(sound.folder, tmp_path / "corrupted"))
    card = json.loads((corrupted / "card.json").read_text())
    card["positive"] = "no"
    (corrupted / "card.json").write_text(json.dumps(card))
    with load() as users:
        arm = pumps.bring(other(sound, corrupted, pumps), 8, Rollout())
        told = wait_for(lambda: said_by(pumps, arm), "it says why", 120)
        assert "card.json" in told["kserve-container"]
        assert not pumps.is_ready(arm)
        assert pumps.released().weights[arm] == 0
    assert users.lost == 0, users.problems[:5]


def other(sound: ServedBundle, corrupted: Path, world: World) -> ServedBundle:
    """Return a bundle whose files in the bucket are not those that its digest names."""
    found = ServedBundle(corrupted, sound.digest)
    world.publish(found)
    return found


def test_an_image_that_is_missing_is_told_and_the_stable_arm_serves_on(
    pumps: World, bundle: ServedBundle, tmp_path: Path, on_trial: None
) -> None:
    another = make_bundle(tmp_path / "another", slow=1)
    pumps.publish(another)

    def without_image(content: bytes) -> bytes:
        return content.replace(b"    model:\n", b"    model:\n      image: millrace/serving:gone\n")

    with load() as users:
        arm = pumps.bring(another, 9, Rollout(), without_image)

        def waiting() -> str:
            reasons = [
                status["state"].get("waiting", {}).get("reason", "")
                for pod in pumps.pods(arm)
                for status in pod["status"].get("containerStatuses", [])
            ]
            return next((one for one in reasons if "Image" in one), "")

        assert wait_for(waiting, "the kubelet says that the image is missing", 120)
        assert pumps.released().weights[arm] == 0
    assert users.lost == 0, users.problems[:5]


@contextmanager
def down(world: World, name: str) -> Iterator[None]:
    """Have one of the bundled stores down for a while."""
    words = ("--namespace", PLATFORM, f"statefulset/{name}")
    world.kubectl("scale", "--replicas=0", *words)
    label = f"app.kubernetes.io/name={name}"
    world.kubectl(
        *("wait", "pod", "--namespace", PLATFORM, "--selector", label),
        *("--for=delete", "--timeout=90s"),
    )
    try:
        yield
    finally:
        world.kubectl("scale", "--replicas=1", *words)
        world.kubectl("rollout", "status", *words, "--timeout=120s")


def parameters(world: World) -> dict[str, Any]:
    answer = world.ask("/v2/models/churn/infer", BY_KEY, workload="churn")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json().get("parameters", {})
    return found


def test_without_redis_answers_are_marked_as_degraded_until_it_is_back(world: World) -> None:
    assert not parameters(world).get("degraded")
    with down(world, "millrace-redis"), load("churn", BY_KEY) as users:
        wait_for(lambda: parameters(world).get("degraded"), "answers come from defaults")
        wait_for(lambda: users.statuses[200] > 50, "requests are answered")
    wait_for(lambda: not parameters(world).get("degraded"), "features are read again")
    assert users.lost == 0, users.problems[:5]


def test_without_the_object_store_arms_serve_on_and_a_new_one_waits_for_it(
    pumps: World, tmp_path: Path, on_trial: None
) -> None:
    another = make_bundle(tmp_path / "late", slow=2)
    pumps.publish(another)
    with load() as users:
        with down(pumps, "millrace-object-store"):
            arm = pumps.bring(another, 10, Rollout())
            wait_for(lambda: said_by(pumps, arm), "its bundle cannot be fetched", 180)
            assert not pumps.is_ready(arm)
        pumps.wait_until_ready(arm)
    assert users.lost == 0, users.problems[:5]


def test_a_route_to_a_service_that_is_missing_disturbs_no_other_route(pumps: World) -> None:
    name = "lost"
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": "millrace", "namespace": PLATFORM}],
            "hostnames": [f"{name}.millrace.localhost"],
            "rules": [{"backendRefs": [{"name": "nothing-predictor", "port": 80}]}],
        },
    }
    with load() as users:
        pumps.apply(route)
        try:

            def told() -> str:
                found = pumps.get(f"httproute/{name}", "--namespace", ARMS)
                conditions = [
                    one
                    for parent in found.get("status", {}).get("parents", [])
                    for one in parent["conditions"]
                    if one["type"] == "ResolvedRefs" and one["status"] == "False"
                ]
                return conditions[0]["message"] if conditions else ""

            assert "nothing-predictor" in wait_for(told, "the route's status says it")
            wait_for(lambda: pumps.ask("/", workload=name).status_code == 500, "it answers 500")
        finally:
            pumps.kubectl("delete", f"httproute/{name}", "--namespace", ARMS)
    assert users.lost == 0, users.problems[:5]
