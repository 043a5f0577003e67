"""Git is right: the controller starts from what people did by hand, and takes nothing back."""

from __future__ import annotations

from rollout_git import START
from rollout_releases import (
    WORKLOAD,
    begin,
    release_at,
    with_weights,
)
from rollout_town import town

from millrace.workload.rollout import Rollout


def test_a_merge_that_a_person_undid_is_a_no_at_this_step() -> None:
    one = town()
    one.start()
    before = one.git.files(one.git.main, WORKLOAD)
    one.look()
    assert one.weight == 10
    one.git.commit(one.git.main, before, "Revert")
    one.go(100)
    assert (one.weight, one.open()) == (0, [])
    assert "was merged and then undone by hand" in one.told[WORKLOAD].reason


def test_a_commit_that_comes_in_between_is_not_overwritten() -> None:
    one = town()
    one.start()
    while one.phase != "promoted":
        one.go(5)
    path, ready = f"{WORKLOAD}/rollout.yaml", one.arms.ready
    meanwhile = iter([True])

    def edited(arm: str, digest: str) -> bool:
        if one.git.clock() - START > 30 and next(meanwhile, False):
            text = one.git.files(one.git.main, WORKLOAD)[path]
            longer = text.replace(b"maxDuration: 1h", b"maxDuration: 2h")
            one.git.commit(one.git.main, {path: longer}, "by hand")
        return ready(arm, digest)

    one.arms.ready = edited  # type: ignore[method-assign]
    one.git.clock.now += 60
    one.look()
    assert one.phase == "promoted", "what was decided from the commit before is not done"
    one.look()
    assert one.phase == "stable"
    assert release_at(one.git).rollout.analysis.maxDuration.total_seconds() == 7200


def test_all_the_traffic_by_hand_is_a_promotion() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.git.commit(one.git.main, with_weights(one.git, 100), "by hand")
    one.go(30)
    assert release_at(one.git).stable.version == 8


def test_no_traffic_by_hand_is_a_roll_back() -> None:
    one = town()
    one.start()
    one.look()
    one.git.commit(one.git.main, with_weights(one.git, 0), "by hand")
    one.go(30)
    release = release_at(one.git)
    assert (release.stable.version, release.canary) == (7, None)
    assert "by hand" in release.position.reason


def test_another_weight_by_hand_is_judged_and_the_next_step_follows() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.look()
    one.git.commit(one.git.main, with_weights(one.git, 30), "by hand")
    one.go(10)
    assert one.weight == 30
    one.go(100)
    assert (one.weight, one.open()) == (50, ["promote"])


def test_a_broken_file_is_told_and_nothing_of_its_workload_is_touched() -> None:
    one = town()
    begin(one.git, Rollout(), workload="flights")
    one.start()
    path = "flights/rollout.yaml"
    broken = one.git.files(one.git.main, "flights")[path].replace(b"stable:", b"stabel:")
    one.git.commit(one.git.main, {path: broken}, "oops")
    one.go(150)
    assert one.phase == "stable"
    assert release_at(one.git).stable.version == 8
    assert one.told["flights"].phase is None
    assert "flights/rollout.yaml" in one.told["flights"].reason
    assert one.git.files(one.git.main, "flights")[path] == broken
