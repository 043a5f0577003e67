"""How a canary goes its way: one story a test, in a world in memory with files as they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from rollout_world import (
    SITE,
    START,
    WORKLOAD,
    Arms,
    Clock,
    Gateway,
    Git,
    Registry,
    arm,
    begin,
    bring,
    candidate,
    plain_judge,
    release_at,
    with_weights,
)

from millrace.analysis import Judgement
from millrace.deploy.base import PullRequest
from millrace.errors import ConflictError
from millrace.release import branch_of, first_release, roll_back
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from serving.rollout.controller import Controller, World
from serving.rollout.evidence import Judge
from serving.rollout.status import RolloutStatus

QUICK = {"interval": "10s", "minSamples": 20, "inconclusiveLimit": 6, "maxDuration": "1h"}


@dataclass
class Town:
    git: Git
    arms: Arms
    gateway: Gateway
    registry: Registry
    told: dict[str, RolloutStatus]
    world: World
    controller: Controller
    weights: dict[str, dict[str, int]] = field(default_factory=dict)

    def restart(self, judge: Judge | None = None) -> None:
        """End the controller and start another."""
        self.world = replace(self.world, judge=judge or self.world.judge)
        self.controller = Controller(self.world)

    def go(self, seconds: float, *, tick: float = 5.0) -> None:
        """Let time pass, with the controller looking on."""
        until = self.git.clock() + seconds
        while self.git.clock() < until:
            self.git.clock.now += tick
            if self.git.main not in self.weights:
                self.weights[self.git.main] = release_at(self.git).weights
            self.gateway.serve(self.weights[self.git.main], tick)
            self.gateway.scrape()
            self.look()

    def look(self) -> None:
        self.git.actor = "controller"
        for _ in range(20):
            if not self.controller.round():
                break
        else:
            pytest.fail("the controller does not come to rest")
        self.git.actor = "person"

    def merge(self, verb: str) -> None:
        pull = next(one for one in self.git.pull_requests() if one.branch.endswith(verb))
        self.git.merge(pull.number)

    def ready(self, version: int) -> None:
        self.arms.ready_ones[arm(version).name] = arm(version).digest

    def start(self, version: int = 8, **more: object) -> None:
        bring(self.git, candidate(version, **more))
        self.git.merge(self.git.pull_requests()[0].number)
        self.ready(version)

    @property
    def phase(self) -> str:
        return release_at(self.git).position.phase

    @property
    def weight(self) -> int:
        release = release_at(self.git)
        return release.weights[release.canary.name] if release.canary else -1

    def open(self) -> list[str]:
        return [
            one.branch.rpartition("/")[2] + (" (draft)" if one.draft else "")
            for one in self.git.pull_requests()
        ]


def town(rollout: dict[str, object] | None = None) -> Town:
    spec = {
        "steps": [{"setWeight": 10}, {"setWeight": 50}],
        "analysis": QUICK,
        "policy": {"promote": "auto"},
        **(rollout or {}),
    }
    clock = Clock()
    git, arms, registry = Git(clock), Arms(), Registry()
    gateway = Gateway(clock, arms)
    told: dict[str, RolloutStatus] = {}
    begin(git, Rollout.model_validate(spec))
    world = World(
        git,
        git,
        gateway,
        arms,
        registry,
        plain_judge,
        SITE,
        clock,
        lambda s: told.update({s.workload: s}),
    )
    made = Town(git, arms, gateway, registry, told, world, Controller(world))
    made.ready(7)
    made.go(20)
    return made


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


def test_weight_does_not_rise_while_the_canary_is_not_ready() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    one.merge("advance")
    one.go(60)
    assert one.open() == ["step-1-advance"]
    one.arms.ready_ones.pop("churn-v8")
    one.look()
    assert one.open() == ["step-1-advance (draft)"]
    held = one.git.pull_requests()[0].body
    assert held.startswith("> **Draft**: not now: churn-v8 is not ready: its weight does not rise.")
    one.ready(8)
    one.look()
    assert one.open() == ["step-1-advance"]
    assert "Draft" not in one.git.pull_requests()[0].body


def test_what_the_policy_leaves_to_people_waits_for_them() -> None:
    one = town({"policy": {"advance": "review", "promote": "review", "rollback": "review"}})
    one.start()
    one.go(60)
    assert (one.weight, one.open()) == (0, ["step-0-advance"])
    assert "waits for a person" in one.told[WORKLOAD].reason
    for verb, weight in [("step-0-advance", 10), ("step-1-advance", 50), ("promote", 100)]:
        one.merge(verb)
        assert one.weight == weight
        one.go(60)
    assert one.phase == "stable"


def test_a_pull_request_that_a_person_closed_is_not_opened_again_at_this_step() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.go(10)
    one.git.close(one.git.pull_requests()[0].number, "not today")
    one.go(120)
    assert (one.open(), one.weight) == ([], 0)
    assert "was closed by a person" in one.told[WORKLOAD].reason


def test_a_verdict_that_changes_supersedes_the_pull_request_of_the_former_one() -> None:
    one = town({"policy": {"advance": "review", "rollback": "auto"}})
    one.start()
    one.look()
    one.merge("advance")
    one.go(40)
    assert one.open() == ["step-1-advance"]
    one.arms.bad.add("churn-v8")
    one.go(40)
    closed = one.git.pull_requests(WORKLOAD, "closed")[0]
    assert closed.branch.endswith("step-1-advance")
    assert closed.comment.startswith("Superseded: errors are beyond")
    assert one.phase in ("rolled back", "stable")


def test_no_data_is_never_a_pass_and_ends_in_a_roll_back() -> None:
    one = town()
    one.start()
    one.look()
    one.gateway.unscraped = True
    one.go(50)
    assert (one.weight, one.told[WORKLOAD].verdict) == (10, "inconclusive")
    one.go(60)
    assert "no data of both arms in 6 intervals" in release_at(one.git).position.reason


def test_metrics_that_cannot_be_read_for_a_moment_undo_nothing() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.go(600)
    assert (one.weight, one.open()) == (50, ["promote"])
    one.gateway.lost = True
    one.go(30)
    assert (one.weight, one.open()) == (50, ["promote"])
    assert "does not do as asked" in one.told[WORKLOAD].reason
    one.gateway.lost = False
    one.go(15)
    assert one.open() == ["promote"]


def test_a_platform_that_was_down_over_night_undoes_nothing() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.go(100)
    one.git.clock.now += 1800
    one.restart()
    one.gateway.restart()
    one.go(100)
    assert (one.weight, one.open()) == (50, ["promote"])


def test_a_platform_that_was_down_over_night_at_a_step_without_a_verdict_goes_on_there() -> None:
    one = town({"analysis": {**QUICK, "minSamples": 100_000}})
    one.start()
    one.go(100)
    one.git.clock.now += 1800
    one.restart()
    one.gateway.restart()
    one.look()
    assert (one.weight, one.told[WORKLOAD].blank) == (10, 0)
    one.go(30)
    assert (one.phase, one.weight) == ("progressing", 10)


def test_a_pause_takes_its_time_and_then_goes_on() -> None:
    steps = [{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 50}]
    one = town({"steps": steps})
    one.start()
    one.go(240)
    assert release_at(one.git).position.step == 1
    assert "pauses until" in one.told[WORKLOAD].reason
    one.go(120)
    assert release_at(one.git).stable.version == 8


def test_missing_data_is_not_held_against_a_canary_at_a_pause() -> None:
    steps = [{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 50}]
    one = town({"steps": steps})
    one.start()
    while release_at(one.git).position.step != 1:
        one.go(5)
    one.gateway.unscraped = True
    one.go(120)
    assert (one.phase, one.weight) == ("progressing", 10)
    assert one.told[WORKLOAD].blank >= QUICK["inconclusiveLimit"]


def test_a_pause_without_end_waits_for_a_person_whatever_the_policy() -> None:
    steps = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]
    one = town({"steps": steps})
    one.start()
    one.go(300)
    assert (one.weight, one.open()) == (10, ["step-2-advance"])
    one.merge("step-2-advance")
    one.go(100)
    assert one.phase in ("promoted", "stable")


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


def test_only_what_was_counted_at_the_present_weight_lets_the_canary_go_on() -> None:
    one = town({"analysis": {**QUICK, "minSamples": 300}, "policy": {"promote": "review"}})
    one.start()
    one.go(75)
    assert one.weight == 10
    one.git.commit(one.git.main, with_weights(one.git, 30), "by hand")
    one.go(20)
    assert one.weight == 30
    one.go(40)
    assert one.weight == 50


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


def test_a_candidate_that_comes_in_the_middle_waits_for_its_turn() -> None:
    one = town()
    one.start()
    one.look()
    bring(one.git, candidate(9, score_distance=0.2))
    one.look()
    assert one.open() == ["release (draft)"]
    one.go(200)
    assert release_at(one.git).stable.version == 8
    assert one.open() == ["release"]
    one.merge("release")
    one.ready(9)
    release = release_at(one.git)
    assert release.canary is not None
    assert release.canary.score_distance is None, "it was measured against another champion"
    one.go(200)
    assert release_at(one.git).stable.version == 9


def test_the_newest_of_several_candidates_supersedes_the_others() -> None:
    one = town()
    bring(one.git, candidate(8))
    bring(one.git, candidate(9))
    bring(one.git, candidate(10))
    one.look()
    opened = one.git.pull_requests()
    assert [(pull.title, pull.draft) for pull in opened] == [("release churn-v10", False)]
    closed = one.git.pull_requests(WORKLOAD, "closed")
    assert {pull.comment for pull in closed} == {"Superseded: churn-v10 is newer"}


def test_a_candidate_that_is_older_than_what_serves_is_superseded() -> None:
    one = town()
    one.start(9)
    older = bring(one.git, candidate(8))
    one.go(200)
    assert release_at(one.git).stable.version == 9
    assert one.git.get(older.number).comment == "Superseded: churn-v9 serves and is newer"


def test_of_two_first_releases_the_one_that_is_merged_serves_and_the_other_goes_on_trial() -> None:
    one = town()
    late = arm(8)
    made = first_release(WORKLOAD, late, Serving(), Rollout(), SITE, now=0.0)
    branch = branch_of(WORKLOAD, candidate(8), "release")
    pull = one.git.propose(branch, "c0", made, title="First release", body="evidence")
    one.look()
    one.look()
    ready = one.git.get(pull.number)
    assert ready.body.startswith("> **Made anew**: `churn-v7` serves by now.")
    one.git.merge(pull.number)
    release = release_at(one.git)
    assert (release.stable.version, release.weights) == (7, {"churn-v7": 100, "churn-v8": 0})


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


def test_scores_that_moved_too_far_are_a_pull_request_for_a_person() -> None:
    one = town()

    def moved(*args: object, **kwargs: object) -> Judgement:
        told = plain_judge(*args, **kwargs)  # type: ignore[arg-type]
        if told.verdict not in ("advance", "promote"):
            return told
        return told.model_copy(
            update={"verdict": "hold", "needs_person": True, "reason": "scores moved"}
        )

    one.restart(moved)
    one.start()
    one.go(100)
    assert (one.weight, one.open()) == (10, ["step-1-advance"])
    assert one.told[WORKLOAD].reason.endswith("waits for a person: scores moved")


def test_a_person_who_pushed_to_the_branch_is_not_overruled() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    number = one.git.pull_requests()[0].number
    one.git.pulls[number].pushed = True
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    one.git.commit(one.git.main, {path: text.replace(b"1h", b"2h")}, "more time")
    head = one.git.get(number).head
    one.go(20)
    assert one.git.get(number).head == head
    assert "was changed by a person" in one.told[WORKLOAD].reason


def test_pull_requests_of_people_are_left_alone_while_the_canary_is_on_trial() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.look()
    canary = release_at(one.git).canary
    assert canary is not None
    files = one.git.files(one.git.main, WORKLOAD)
    made = roll_back(files, release_at(one.git), now=0.0, reason="a person asks")
    branch = branch_of(WORKLOAD, canary, "roll back", step=0)
    one.git.propose(branch, one.git.main, made, title="Roll back", body="a person asks")
    one.go(100)
    assert sorted(one.open()) == ["promote", "step-1-roll-back"]


def test_an_open_pull_request_is_made_anew_when_main_has_changed() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    before = one.git.pull_requests()[0]
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    one.git.commit(one.git.main, {path: text.replace(b"1h", b"2h")}, "more time")
    one.look()
    after = one.git.pull_requests()[0]
    assert (after.number, after.branch) == (before.number, before.branch)
    assert after.head != before.head
    one.merge("advance")
    release = release_at(one.git)
    assert one.weight == 10
    assert release.rollout.analysis.maxDuration.total_seconds() == 7200


def test_a_pull_request_that_no_longer_applies_is_made_anew_and_merged() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    number = one.git.pull_requests()[0].number
    refused = one.git.merge
    calls = []

    def once_refused(asked: int) -> str:
        calls.append(asked)
        if len(calls) == 1:
            raise ConflictError("it no longer applies")
        return refused(asked)

    one.git.merge = once_refused  # type: ignore[method-assign]
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    auto = text.replace(b"advance: review", b"advance: auto")
    one.git.commit(one.git.main, {path: auto}, "go on by yourself")
    for _ in range(5):
        one.look()
    assert calls == [number, number]
    assert one.weight == 10


def test_what_a_person_closes_while_the_controller_decides_stays_closed() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    proposed = one.git.propose

    def closed_at_once(*args: object, **kwargs: object) -> PullRequest:
        first = proposed(*args, **kwargs)  # type: ignore[arg-type]
        one.git.close(first.number, "no")
        return proposed(*args, **kwargs)  # type: ignore[arg-type]

    one.git.propose = closed_at_once  # type: ignore[method-assign]
    one.go(60)
    found = one.git.pull_requests(WORKLOAD, "all")
    assert [pull.state for pull in found] == ["closed", "merged"]
