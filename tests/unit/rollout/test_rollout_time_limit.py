"""A trial takes no longer than it may; what people take to answer does not count."""

from __future__ import annotations

from rollout_releases import WORKLOAD, release_at
from rollout_town import QUICK, Town, town

LONG = {**QUICK, "interval": "30s"}
SLOW = {**LONG, "minSamples": 4000}


def ended(one: Town) -> str:
    """Return why the trial came to its end; empty while it goes on."""
    release = release_at(one.git)
    return "" if release.position.phase == "progressing" else release.position.reason


def test_a_canary_that_lacks_evidence_is_rolled_back_after_its_time() -> None:
    one = town({"analysis": {**LONG, "minSamples": 1_000_000}})
    one.start()
    one.go(3500, tick=10)
    assert one.weight == 10
    one.go(200, tick=10)
    assert ended(one) == "not promoted within 1h"


def test_a_step_does_not_give_a_rollout_more_time() -> None:
    one = town({"analysis": SLOW})
    one.start()
    one.go(1100, tick=10)
    assert one.weight == 50
    one.gateway.rate = 2
    one.go(2400, tick=10)
    assert one.weight == 50
    one.go(200, tick=10)
    assert ended(one) == "not promoted within 1h"


def test_a_canary_that_earned_its_promotion_is_not_rolled_back_while_the_reviewer_sleeps() -> None:
    one = town({"analysis": LONG, "policy": {"promote": "review"}})
    one.start()
    one.go(3 * 3600, tick=30)
    assert (one.weight, one.open()) == (50, ["promote"])
    one.merge("promote")
    one.go(60)
    assert release_at(one.git).stable.version == 8


def test_a_first_weight_that_waits_for_a_person_does_not_end_a_trial() -> None:
    one = town({"analysis": LONG, "policy": {"advance": "review"}})
    one.start()
    one.go(2 * 3600, tick=30)
    assert (one.weight, one.open()) == (0, ["step-0-advance"])


def test_a_pause_without_end_does_not_end_a_trial() -> None:
    one = town({"analysis": LONG, "steps": [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]})
    one.start()
    one.go(2 * 3600, tick=30)
    assert (one.weight, one.open()) == (10, ["step-2-advance"])


def test_a_step_that_was_merged_late_leaves_the_next_one_its_time() -> None:
    one = town({"analysis": SLOW, "policy": {"advance": "review", "promote": "review"}})
    one.start()
    one.go(30)
    one.merge("step-0-advance")
    one.go(2 * 3600, tick=30)
    assert one.open() == ["step-1-advance"]
    one.merge("step-1-advance")
    one.gateway.rate = 2
    one.go(2000, tick=10)
    assert one.weight == 50
    one.go(1000, tick=10)
    assert ended(one) == "not promoted within 1h"


def test_the_time_that_people_took_is_known_to_a_controller_that_starts_anew() -> None:
    one = town({"analysis": LONG, "policy": {"advance": "review", "promote": "review"}})
    one.start()
    one.go(2 * 3600, tick=30)
    one.merge("step-0-advance")
    one.look()
    one.restart()
    one.go(90)
    assert (one.weight, one.open()) == (10, ["step-1-advance"])


def test_the_clock_goes_on_where_the_evidence_went_away() -> None:
    one = town({"analysis": LONG, "policy": {"promote": "review"}})
    one.start()
    one.go(2 * 3600, tick=30)
    one.arms.ready_ones.pop("churn-v8")
    one.go(600, tick=10)
    assert (one.weight, one.open()) == (50, ["promote (draft)"])
    one.go(3600, tick=10)
    assert ended(one) == "not promoted within 1h"


def test_a_restart_of_the_canary_undoes_nothing_after_a_long_wait() -> None:
    one = town({"analysis": LONG, "policy": {"promote": "review"}})
    one.start()
    one.go(2 * 3600, tick=30)
    one.arms.ready_ones.pop("churn-v8")
    one.restart()
    one.go(20)
    one.ready(8)
    one.go(2 * 3600, tick=30)
    assert (one.weight, one.open()) == (50, ["promote"])


def test_a_no_of_a_person_lets_the_clock_run() -> None:
    one = town({"analysis": LONG, "policy": {"promote": "review"}})
    one.start()
    one.go(600, tick=10)
    one.git.close(one.git.pull_requests()[0].number, "no")
    one.go(2900, tick=10)
    assert "was closed by a person" in one.told[WORKLOAD].reason
    one.go(200, tick=10)
    assert ended(one) == "not promoted within 1h"


def test_what_a_person_holds_is_not_ended_by_the_clock() -> None:
    one = town({"analysis": LONG, "policy": {"promote": "review"}})
    one.start()
    one.go(600, tick=10)
    one.git.mark(one.git.pull_requests()[0].number, draft=True)
    one.go(2 * 3600, tick=30)
    assert (one.weight, one.open()) == (50, ["promote (draft)"])


def test_metrics_that_do_not_answer_for_long_at_a_pause_let_the_clock_run() -> None:
    one = town({"analysis": LONG, "steps": [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]})
    one.start()
    one.go(600, tick=10)
    one.gateway.lost = True
    one.go(170, tick=10)
    assert one.open() == ["step-2-advance"]
    one.go(50, tick=10)
    assert one.open() == ["step-2-advance (draft)"]
    one.go(3600, tick=10)
    assert ended(one) == "not promoted within 1h"
