"""A canary is rolled back, held, advanced or promoted by evidence, and never passed without."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from canary_worlds import LIMITS, arm, drawn, intervals

from millrace.analysis import Interval, Judgement, judge

STEP_ERRORS = {"errors": 0.002}


def test_a_canary_like_the_stable_arm_advances() -> None:
    judgement = judge(intervals(5), LIMITS, since=0, last=False)
    assert judgement.verdict == "advance"
    assert judgement.samples == 2500
    assert judgement.intervals == 5
    assert {e.finding for e in judgement.indicators} == {"no worse"}
    assert "within what this step tolerates" in judgement.reason


def test_the_last_step_promotes() -> None:
    judgement = judge(intervals(10), LIMITS, since=0, last=True)
    assert judgement.verdict == "promote"
    assert not judgement.needs_person


@pytest.mark.parametrize("indicator", ["errors", "slow"])
def test_a_worse_canary_is_rolled_back_and_the_reason_says_what_is_worse(indicator: str) -> None:
    judgement = judge(intervals(5, canary={indicator: 0.1}), LIMITS, since=0, last=False)
    assert judgement.verdict == "roll back"
    named = "slow answers" if indicator == "slow" else "errors"
    assert judgement.reason.startswith(f"{named} are beyond the tolerance")
    assert "10 % of the canary's" in judgement.reason
    worse = [e.indicator for e in judgement.indicators if e.finding == "worse"]
    assert worse == [indicator]


def test_a_canary_with_ten_percent_errors_is_found_in_seconds_of_traffic() -> None:
    rollout = intervals(3, requests=400, canary={"errors": 0.1})
    assert judge(rollout, LIMITS, since=0, last=False).verdict == "roll back"


def test_moved_scores_hold_for_a_person_and_never_roll_back() -> None:
    judgement = judge(
        intervals(10, canary={"scores": (0.05, 0.15, 0.3, 0.5)}), LIMITS, since=0, last=True
    )
    assert judgement.verdict == "hold"
    assert judgement.needs_person
    assert "a person decides" in judgement.reason


def test_scores_are_left_alone_where_bundles_cannot_be_compared() -> None:
    limits = replace(LIMITS, score_distance=None)
    judgement = judge(
        intervals(10, canary={"scores": (0.0, 0.0, 0.0, 1.0)}), limits, since=0, last=True
    )
    assert judgement.verdict == "promote"
    assert [e.indicator for e in judgement.indicators] == ["errors", "slow"]


def test_errors_weigh_more_than_moved_scores() -> None:
    moved = {"scores": (0.0, 0.0, 0.0, 1.0), "errors": 0.2}
    assert judge(intervals(5, canary=moved), LIMITS, since=0, last=False).verdict == "roll back"


def test_few_requests_hold() -> None:
    judgement = judge(intervals(1, requests=100), LIMITS, since=0, last=False)
    assert (judgement.verdict, judgement.reason) == ("hold", "50 of 200 requests at this step")


def test_a_canary_at_the_edge_of_the_tolerance_is_held_with_its_evidence() -> None:
    judgement = judge(
        intervals(20, stable={"errors": 0.01}, canary={"errors": 0.02}), LIMITS, since=0, last=True
    )
    assert judgement.verdict == "hold"
    assert "errors (2 % of the canary's, 1 % of the stable arm's" in judgement.reason
    errors = judgement.indicators[0]
    assert errors.finding == "undecided"
    assert errors.evidence_promotion < errors.needed == pytest.approx(np.log10(20))


@pytest.mark.parametrize("last", [False, True])
def test_without_data_nothing_passes(last: bool) -> None:
    for rollout in ([], intervals(3, requests=0)):
        judgement = judge(rollout, LIMITS, since=0, last=last)
        assert judgement.verdict == "inconclusive"
        assert judgement.samples == 0
    only_canary = [replace(i, stable=arm(0)) for i in intervals(10)]
    assert judge(only_canary, LIMITS, since=0, last=last).verdict == "inconclusive"


def test_evidence_of_earlier_steps_does_not_pass_a_step_without_data() -> None:
    rollout = [*intervals(20), *intervals(2, requests=0, start=1200)]
    judgement = judge(rollout, LIMITS, since=1200, last=True)
    assert judgement.verdict == "inconclusive"
    assert judgement.indicators[0].canary_events == 10_000


def test_lost_scores_are_inconclusive() -> None:
    rollout = intervals(10, canary={"scores": ()}, stable={"scores": ()})
    judgement = judge(rollout, LIMITS, since=0, last=True)
    assert judgement.verdict == "inconclusive"
    assert judgement.reason == "no scores of both arms at this step"


def test_a_small_weight_is_given_more_and_promotion_the_tolerance_itself() -> None:
    """2 % more errors: 0.1 % of all traffic at weight 5, 1 % at weight 50, 2 % if promoted."""
    worse = {"errors": 0.02}
    small = judge(intervals(60, weight=0.05, canary=worse), LIMITS, since=0, last=False)
    assert small.verdict == "advance"
    assert small.indicators[0].evidence_promotion < 0
    large = judge(intervals(60, weight=0.5, canary=worse), LIMITS, since=0, last=False)
    assert large.verdict == "roll back"
    last = judge(intervals(60, weight=0.5, canary={"errors": 0.007}), LIMITS, since=0, last=True)
    assert last.verdict == "hold"


@pytest.mark.parametrize(("errors", "verdict"), [(0.0, "advance"), (1.0, "hold")])
def test_however_small_its_weight_a_canary_leaves_a_step_if_it_answers_and_only_then(
    errors: float, verdict: str
) -> None:
    tiny = intervals(20, requests=100_000, weight=0.001, canary={"errors": errors})
    limits = replace(LIMITS, score_distance=None)
    assert judge(tiny, limits, since=0, last=False).verdict == verdict


def test_a_canary_that_is_good_at_first_and_breaks_under_more_traffic_does_not_pass() -> None:
    good = intervals(200, weight=0.25)
    broken = intervals(3, weight=0.5, start=12_000, canary={"errors": 0.012, "slow": 0.03})
    judgement = judge([*good, *broken], LIMITS, since=12_000, last=True)
    assert judgement.verdict in {"hold", "roll back"}


def test_identical_arms_survive_a_rise_of_errors_together_with_the_weight() -> None:
    rng = np.random.default_rng(3)
    limits = replace(LIMITS, errors=0.001, score_distance=None)
    back = 0
    for _ in range(40):
        rollout = drawn(rng, [(0.01, 0.01)] * 20 + [(0.03, 0.03)] * 20, [0.05] * 20 + [0.5] * 20)
        back += judge(rollout, limits, since=0, last=False).verdict == "roll back"
    assert back <= 4


def test_a_worse_canary_stays_worse_however_late_one_looks() -> None:
    bad = intervals(1, canary={"errors": 0.04})
    good = intervals(100, start=60)
    assert judge([*bad, *good], LIMITS, since=0, last=True).verdict == "roll back"


def test_errors_and_slow_answers_share_the_chance_of_a_false_roll_back() -> None:
    judgement = judge(intervals(1, canary={"errors": 0.03}), LIMITS, since=0, last=False)
    assert judgement.verdict != "roll back"
    errors = judgement.indicators[0]
    assert errors.evidence_worse < errors.needed < errors.evidence_worse + np.log10(2)


def test_the_same_intervals_give_the_same_judgement_and_it_can_be_written(tmp_path) -> None:
    rollout = intervals(10, stable=STEP_ERRORS, canary=STEP_ERRORS)
    first = judge(rollout, LIMITS, since=0, last=True)
    assert judge(list(rollout), LIMITS, since=0, last=True) == first
    first.write(tmp_path / "judgement.json")
    assert Judgement.read(tmp_path / "judgement.json") == first
    assert "null" not in json.dumps(json.loads((tmp_path / "judgement.json").read_text()))


def test_evidence_stays_finite_with_a_dead_canary_and_a_billion_requests() -> None:
    rollout = intervals(3, requests=10**9, canary={"errors": 1.0, "slow": 1.0})
    judgement = judge(rollout, LIMITS, since=0, last=True)
    assert judgement.verdict == "roll back"
    for e in judgement.indicators:
        assert np.isfinite([e.evidence_worse, e.evidence_no_worse, e.evidence_promotion]).all()


def test_an_interval_that_began_before_the_step_is_no_sample_of_it() -> None:
    rollout: list[Interval] = [*intervals(3), *intervals(1, start=180)]
    assert judge(rollout, LIMITS, since=180, last=False).samples == 500


def test_importing_the_analysis_loads_nothing_heavier_than_numpy() -> None:
    code = (
        "import sys, millrace.analysis; "
        "print([m for m in ('scipy', 'pandas', 'torch', 'sklearn', 'feast') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
