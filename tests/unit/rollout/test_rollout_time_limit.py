"""A trial takes no longer than it may."""

from __future__ import annotations

from rollout_releases import (
    WORKLOAD,
    release_at,
)
from rollout_town import town


def test_a_rollout_that_takes_too_long_is_rolled_back() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.go(3700, tick=10)
    assert "not promoted within 1h" in release_at(one.git).position.reason
    assert one.git.pull_requests(WORKLOAD, "closed")[0].branch.endswith("promote")


def test_a_step_does_not_give_a_rollout_more_time() -> None:
    one = town({"policy": {"advance": "review", "promote": "review"}})
    one.start()
    one.go(3000, tick=20)
    one.merge("step-0-advance")
    one.go(500, tick=20)
    assert one.weight == 10
    one.go(200, tick=20)
    assert "not promoted within 1h" in release_at(one.git).position.reason
