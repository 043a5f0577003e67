"""Missing data is never a pass; it ends a trial only while the controller looks on."""

from __future__ import annotations

from rollout_releases import WORKLOAD, release_at
from rollout_town import QUICK, town

from millrace.analysis import Judgement
from millrace.errors import AnalysisError


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


def test_a_first_read_that_fails_after_quiet_hours_undoes_nothing() -> None:
    one = town()
    one.go(7200, tick=30)
    one.start()
    one.look()
    one.gateway.lost = True
    one.go(50)
    assert (one.phase, one.weight, one.told[WORKLOAD].blank) == ("progressing", 10, 4)
    one.gateway.lost = False
    one.go(15)
    assert one.told[WORKLOAD].blank == 0


def test_a_single_failed_read_is_not_an_interval_without_data() -> None:
    one = town({"analysis": {**QUICK, "inconclusiveLimit": 1, "minSamples": 100_000}})
    one.start()
    one.go(40)
    one.gateway.lost = True
    one.go(5)
    one.gateway.lost = False
    one.go(60)
    assert (one.phase, one.weight) == ("progressing", 10)


def test_metrics_that_cannot_be_read_for_long_end_in_a_roll_back() -> None:
    one = town()
    one.start()
    one.look()
    one.gateway.lost = True
    one.go(50)
    assert (one.phase, one.weight) == ("progressing", 10)
    one.go(20)
    assert "no data of both arms in 6 intervals" in release_at(one.git).position.reason


def test_a_machine_that_slept_over_night_undoes_nothing() -> None:
    one = town({"analysis": {**QUICK, "minSamples": 100_000, "maxDuration": "1d"}})
    one.start()
    one.go(100)
    one.git.clock.now += 1800
    one.look()
    assert (one.phase, one.weight, one.told[WORKLOAD].blank) == ("progressing", 10, 0)
    one.gateway.lost = True
    one.git.clock.now += 1800
    one.look()
    assert (one.phase, one.weight, one.told[WORKLOAD].blank) == ("progressing", 10, 0)


def test_counts_that_cannot_be_hold_a_canary_until_its_time_is_over() -> None:
    def unfit(*args: object, **kwargs: object) -> Judgement:
        raise AnalysisError("more errors than requests", where="interval 3")

    one = town()
    one.restart(unfit)
    one.start()
    one.go(60)
    assert (one.phase, one.weight, one.open()) == ("progressing", 10, [])
    assert one.told[WORKLOAD].reason == "interval 3: more errors than requests"
    one.go(3600, tick=30)
    assert "not promoted within 1h" in release_at(one.git).position.reason


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
