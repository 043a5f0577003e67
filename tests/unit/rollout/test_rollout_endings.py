"""After a promotion or a roll back the arm that is not needed goes, once the other is ready."""

from __future__ import annotations

from rollout_releases import (
    WORKLOAD,
    arm,
    release_at,
)
from rollout_town import town


def test_a_canary_that_was_rolled_back_stays_while_the_stable_arm_is_not_ready() -> None:
    one = town()
    one.start()
    one.arms.bad.add("churn-v8")
    while one.phase != "rolled back":
        one.go(5)
    one.arms.ready_ones.pop("churn-v7")
    one.go(60)
    assert one.phase == "rolled back"
    assert "churn-v7 is not ready" in one.told[WORKLOAD].reason
    one.ready(7)
    one.look()
    assert one.phase == "stable"


def test_an_old_arm_stays_while_the_promoted_one_is_not_ready() -> None:
    one = town()
    one.start()
    while one.phase != "promoted":
        one.go(5)
    one.arms.ready_ones.pop("churn-v8")
    one.go(100)
    assert (one.phase, one.weight) == ("promoted", 100)
    one.ready(8)
    one.look()
    assert one.phase == "stable"


def test_a_registry_that_is_down_stops_no_rollout_and_is_told_later() -> None:
    one = town()
    one.registry.down = True
    one.start()
    one.go(200)
    assert release_at(one.git).stable.version == 8
    assert one.registry.champion == arm(7).digest
    one.registry.down = False
    one.go(70)
    assert one.registry.champion == arm(8).digest
