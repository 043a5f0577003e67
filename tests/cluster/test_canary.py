"""A canary on the cluster: Git says its weight, `kubectl apply` makes it so, evidence decides."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, time

import pytest

from millrace.release import Release
from millrace.workload.rollout import Rollout
from tests.cluster.cluster_world import World, load, wait_for
from tests.cluster.numbers import note
from tests.integration.loads import Load
from tests.integration.predictors import MODEL, make_bundle

QUICK = Rollout.model_validate(
    {
        "steps": [{"setWeight": 20}, {"setWeight": 50}],
        "analysis": {
            "interval": "10s",
            "minSamples": 100,
            "tolerance": {"errors": 0.05, "slow": 0.1, "scores": 0.5},
            "maxDuration": "20m",
        },
        "policy": {"advance": "auto", "promote": "review", "rollback": "auto"},
    }
)


@contextmanager
def following(world: World) -> Iterator[list[tuple[float, Release]]]:
    """Apply what main says whenever it says something else, as Argo CD would; tell when."""
    seen: list[tuple[float, Release]] = []
    over, faults = threading.Event(), []

    def follow() -> None:
        head = ""
        while not over.wait(0.5):
            try:
                now = world.repository.head()
                if now != head:
                    world.apply_release()
                    seen.append((time(), world.released()))
                    head = now
            except Exception as error:  # told when the test ends
                faults.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
    assert not faults, faults


def counted(world: World) -> dict[str, float]:
    """Return the requests of each arm as Prometheus has them."""
    return world.query(f'sum by (arm) (envoy_arms_request_count{{arm=~"{MODEL}-v.*"}})')


def test_a_sound_canary_is_split_as_declared_counted_per_arm_and_promoted(
    pumps: World, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "other", quantiles=True)
    pumps.publish(other)
    with following(pumps) as applied, load(clients=3) as users:
        pumps.bring(other, 2, QUICK)

        def weight() -> int:
            return pumps.released().weights.get(f"{MODEL}-v2", 0)

        for expected in (20, 50):
            wait_for(lambda: weight() >= expected, f"weight {expected}", 300)  # noqa: B023
            if weight() == expected:
                share, requests = shares(users.versions)
                assert share == pytest.approx(expected / 100, abs=0.06), (expected, requests)
        pull = wait_for(
            lambda: [one for one in pumps.forge.pull_requests(MODEL) if "/promote" in one.branch],
            "the promotion is proposed to a person",
            300,
        )[0]
        before = counted(pumps)
        assert before[f"{MODEL}-v1"] > 0
        assert before[f"{MODEL}-v2"] > 0
        pumps.forge.merge(pull.number)
        wait_for(
            lambda: pumps.released().stable.name == f"{MODEL}-v2" and not pumps.released().canary,
            "the canary is the stable arm",
            120,
        )
        wait_for(lambda: not pumps.pods(f"{MODEL}-v1"), "the old arm is gone", 120)
    only_as_weights_moved(users, [at for at, _ in applied], "a canary promoted")


def only_as_weights_moved(users: Load, applied: list[float], ending: str) -> None:
    """Hold what was lost to what Envoy Gateway loses, and note how much that is.

    Where an arm gets no weight any more, it drops the arm's cluster an instant before the route
    that still names it; requests of that instant get an empty 500 of the gateway.
    """
    total = sum(users.statuses.values())
    note(f"requests lost by the gateway, {ending}", f"{users.lost} of {total}")
    for problem in users.problems:
        at, _, said = problem.partition(": ")
        assert said == "500 b''", problem
        assert any(-5 <= float(at) - one <= 5 for one in applied), (problem, applied)
    assert users.lost <= total / 1000


def shares(versions: Counter[str], seconds: float = 20.0) -> tuple[float, int]:
    """Return which share of the answers of some seconds came from version 2, and how many."""
    settled = monotonic() + 5
    wait_for(lambda: monotonic() > settled, "the split is in force", 10)
    began, before = monotonic(), Counter(versions)
    wait_for(lambda: monotonic() > began + seconds, "some seconds of answers", seconds + 5)
    found = versions - before
    total = found["1"] + found["2"]
    return found["2"] / total, total


def test_a_slow_canary_is_rolled_back_and_its_arm_goes(pumps: World, tmp_path: Path) -> None:
    slow = make_bundle(tmp_path / "slow", slow=400)
    pumps.publish(slow)
    stable = pumps.released().stable.name
    with following(pumps) as applied, load(clients=3) as users:
        arm = pumps.bring(slow, 3, QUICK)
        wait_for(
            lambda: pumps.released().weights.get(arm, 0) > 0, "it has got its first weight", 300
        )
        wait_for(lambda: pumps.released().canary is None, "it is rolled back", 300)
        wait_for(lambda: not pumps.pods(arm), "its pods are gone", 120)
    assert pumps.released().stable.name == stable
    only_as_weights_moved(users, [at for at, _ in applied], "a canary rolled back")
