"""The whole way of a canary, from its first weight to its end."""

from __future__ import annotations

from rollout_git import Git
from rollout_releases import (
    WORKLOAD,
    arm,
    release_at,
)
from rollout_town import town


def test_a_good_canary_goes_through_every_step_and_is_promoted() -> None:
    one = town()
    one.start()
    weights = []
    for _ in range(40):
        one.go(5)
        if one.weight not in weights:
            weights.append(one.weight)
    assert weights == [10, 50, 100, -1]
    release = release_at(one.git)
    assert (release.stable.version, release.canary, one.phase) == (8, None, "stable")
    assert one.registry.champion == arm(8).digest
    assert one.open() == []
    assert "no worse" in release.position.reason


def test_every_change_of_weight_is_a_pull_request_with_its_evidence() -> None:
    one = town()
    one.start()
    one.go(120)
    merged = [pull.title for pull in one.git.pull_requests(WORKLOAD, "merged")]
    assert merged == [
        "Promote churn v8",
        "Advance churn v8 to 50 %",
        "Advance churn v8 to 10 %",
        "release churn-v8",
    ]
    assert all("Why: " in pull.body for pull in one.git.pull_requests(WORKLOAD, "merged")[:3])


def test_a_bad_canary_loses_its_traffic_first_and_goes_later() -> None:
    one = town()
    one.start()
    one.arms.bad.add("churn-v8")
    one.go(30)
    assert (one.phase, one.weight) == ("rolled back", 0)
    one.go(20)
    assert (one.phase, one.weight) == ("stable", -1)
    assert release_at(one.git).stable.version == 7
    assert one.registry.champion == arm(7).digest


def test_the_same_candidate_may_come_again_after_a_roll_back() -> None:
    one = town()
    one.start()
    one.arms.bad.add("churn-v8")
    one.go(60)
    assert one.phase == "stable"
    one.arms.bad.clear()
    one.git.clock.now += 5
    waiting = next(name for name, _ in one.git.line(one.git.main) if _waits(one.git, name))
    files = one.git.nodes[waiting].files
    gone = {path: None for path in one.git.nodes[one.git.main].files if path not in files}
    one.git.commit(one.git.main, {**gone, **files}, "once more")
    one.go(200)
    assert release_at(one.git).stable.version == 8


def _waits(git: Git, commit: str) -> bool:
    return release_at(git, commit).position.phase == "waiting"
