"""A canary with traffic goes on by evidence, at steps and after pauses."""

from __future__ import annotations

from rollout_releases import (
    WORKLOAD,
    release_at,
    with_weights,
)
from rollout_town import QUICK, town
from rollout_traffic import plain_judge

from millrace.analysis import Judgement


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


def test_a_pause_takes_its_time_and_then_goes_on() -> None:
    steps = [{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 50}]
    one = town({"steps": steps})
    one.start()
    one.go(240)
    assert release_at(one.git).position.step == 1
    assert "pauses until" in one.told[WORKLOAD].reason
    one.go(120)
    assert release_at(one.git).stable.version == 8


def test_a_pause_without_end_waits_for_a_person_whatever_the_policy() -> None:
    steps = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]
    one = town({"steps": steps})
    one.start()
    one.go(300)
    assert (one.weight, one.open()) == (10, ["step-2-advance"])
    one.merge("step-2-advance")
    one.go(100)
    assert one.phase in ("promoted", "stable")


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
