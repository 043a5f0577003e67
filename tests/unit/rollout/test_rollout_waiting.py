"""A canary without traffic waits until all of it is ready."""

from __future__ import annotations

from rollout_releases import (
    WORKLOAD,
    arm,
    release_at,
)
from rollout_town import town


def test_a_canary_that_is_not_ready_gets_no_weight_and_says_so() -> None:
    one = town()
    one.start()
    one.arms.ready_ones.pop("churn-v8")
    one.go(600)
    assert (one.phase, one.weight, one.open()) == ("waiting", 0, [])
    assert "is not ready" in one.told[WORKLOAD].reason
    one.go(3600, tick=60)
    assert one.phase == "stable"
    assert "not promoted within 1h" in release_at(one.git).position.reason


def test_an_arm_with_another_bundle_than_git_says_gets_no_weight() -> None:
    one = town()
    one.start()
    one.arms.ready_ones["churn-v8"] = "f" * 64
    one.go(60)
    assert (one.phase, one.weight) == ("waiting", 0)


def test_a_bundle_that_is_restored_gets_all_the_traffic_once_it_is_ready() -> None:
    one = town({"policy": {"advance": "review", "promote": "review"}})
    one.start(6, purpose="restore", attempt=1)
    one.arms.ready_ones.pop("churn-v6")
    one.go(30)
    assert one.weight == 0
    one.ready(6)
    one.look()
    assert one.weight == 100
    one.go(30)
    assert release_at(one.git).stable.version == 6
    assert one.registry.champion == arm(6).digest
