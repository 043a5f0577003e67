"""The texts of verdicts say what was found, what they ask for, and who merges them."""

from __future__ import annotations

import pytest
from release_worlds import NOW, released, with_canary

from millrace.analysis import IndicatorEvidence, Judgement
from millrace.release import Position, Release, advance, applied, read_release
from millrace.release.evidence import Text, judged_text
from millrace.release.evidence.markdown import moment
from millrace.workload.rollout import Pause, PauseLength, SetWeight


def evidence(indicator: str, finding: str, **more: object) -> IndicatorEvidence:
    values: dict[str, object] = {
        "stable_events": 100_000,
        "stable_bad": 100,
        "canary_events": 5_000,
        "canary_bad": 490,
        "tolerance": 0.005,
        "evidence_worse": 8.2,
        "evidence_no_worse": -30.0,
        "evidence_promotion": -30.0,
        "needed": 1.30103,
    }
    return IndicatorEvidence.model_validate(
        {"indicator": indicator, "finding": finding, **values, **more}
    )


def judgement(verdict: str, *indicators: IndicatorEvidence, **more: object) -> Judgement:
    return Judgement.model_validate(
        {
            "verdict": verdict,
            "reason": "the canary's errors are beyond the tolerance",
            "samples": 5000,
            "indicators": list(indicators),
            "intervals": 12,
            **more,
        }
    )


def told(verb: str, release: Release, judgement: Judgement | None, **more: object) -> Text:
    values: dict[str, object] = {"now": NOW, "arrived": NOW - 3600, "merges": True, **more}
    return judged_text(verb, release, judgement, **values)  # type: ignore[arg-type]


@pytest.fixture
def trial():
    files, release = with_canary(*released())
    files = applied(files, advance(files, release, now=NOW))
    return read_release(files, "churn")


def test_a_roll_back_tells_rates_and_evidence(trial):
    bad = judgement(
        "roll back",
        evidence("errors", "worse"),
        evidence("slow", "undecided", evidence_worse=0.9, evidence_no_worse=-0.5),
        evidence("scores", "no worse", tolerance=0.131),
    )
    text = told("roll back", trial, bad, now=NOW + 725)
    assert text.title == "Roll back churn v8: errors 9.8 % against 0.1 %"
    assert "**Take `churn-v8` off trial**: its 5 % of the traffic" in text.body
    assert (
        "| errors | 0.1 % (100 of 100,000) | 9.8 % (490 of 5,000) | 0.5 % more of all" in text.body
    )
    assert (
        "**over a million to 1** (20 needed) | under 0.01 to 1 (20 needed) | **worse** |"
        in text.body
    )
    assert "7.9 to 1 (20 needed)" in text.body
    assert "5,000 requests of the canary at this step, 12 intervals of 1 min" in text.body
    assert "a distance of 0.131" in text.body
    assert "(12 min 5 s)" in text.body
    assert "The evidence does not decide about: slow answers." in text.body
    assert "merged by itself" in text.body
    assert "rollback churn --to 8" in text.body
    assert f"`millrace/churn/{trial.canary.digest[:12]}/release`" in text.body


def test_an_advance_and_a_promotion_say_what_they_change(trial):
    good = judgement("advance", evidence("errors", "no worse"))
    paused = told("advance", trial, good)
    assert paused.title == "Keep churn v8 at 5 % for 5 min"
    assert "**Keep `churn-v8` at 5 %** of the traffic for 5 min: a pause." in paused.body
    text = told("promote", trial, good, merges=False)
    assert text.title == "Promote churn v8"
    assert "all the traffic** of `churn`, up from 5 %" in text.body
    assert "this waits for you" in text.body
    assert "brings `churn-v7` back" in text.body


def test_a_first_weight_needs_no_evidence():
    _, release = with_canary(*released())
    text = told("advance", release, None, reason="its pod is ready")
    assert text.title == "Advance churn v8 to 5 %"
    assert "its first." in text.body
    assert "Why: its pod is ready." in text.body
    assert "without traffic so far" in text.body
    assert "## Evidence" not in text.body
    assert "From then on it is judged" in text.body
    assert "as before" not in text.body


def test_a_roll_back_of_what_has_no_traffic_says_so():
    _, release = with_canary(*released())
    text = told("roll back", release, None, reason="it does not become ready")
    assert text.title == "Roll back churn v8: it does not become ready"
    assert "it has no traffic of `churn` yet" in text.body


def test_what_is_held_for_a_person_says_why(trial):
    held = judgement("promote", evidence("scores", "worse"), needs_person=True)
    assert (
        "say whether it should differ this much" in told("promote", trial, held, merges=False).body
    )


def test_what_is_merged_by_itself_says_so_and_what_is_not_does_not(trial: Release):
    good = judgement("advance", evidence("errors", "no worse"))
    assert trial.rollout.policy.advance == "auto"
    assert "this is merged by itself." in told("advance", trial, good).body
    waits = told("advance", trial, good, merges=False).body
    assert "merged by itself" not in waits
    assert "This waits for you, whatever the workload's policy." in waits


def test_what_a_pause_without_end_waits_for_is_told():
    _, release = with_canary(*released())
    endless = [SetWeight(setWeight=5), Pause(pause=PauseLength()), SetWeight(setWeight=50)]
    at_pause = release.model_copy(
        update={
            "rollout": release.rollout.model_copy(update={"steps": endless}),
            "position": Position(phase="progressing", step=1),
        }
    )
    body = told("advance", at_pause, None, merges=False).body
    assert "This waits for you, whatever the policy: the present step is a pause" in body


def test_a_trial_is_said_to_last_from_when_the_canary_came(trial: Release):
    body = told("promote", trial, None, now=NOW + 60, arrived=NOW - 3600).body
    assert f"On trial since {moment(NOW - 3600)} (1 h 1 min), with traffic since " in body
    assert "; at most 1 d in all, without the time that people take to answer." in body
    _, fresh = with_canary(*released())
    body = told("advance", fresh, None, now=NOW + 60, arrived=NOW).body
    assert "(1 min), without traffic so far; at most 1 d in all" in body
