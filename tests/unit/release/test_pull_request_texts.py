"""The texts of pull requests say what a person needs to decide, and what tools look for."""

from __future__ import annotations

import pytest
from release_worlds import NOW, SITE, World, canary, released, with_canary

from millrace.analysis import IndicatorEvidence, Judgement
from millrace.release import advance, applied, branch_of, read_release
from millrace.release.evidence import judged_text, read_trailer, restore_text
from millrace.release.evidence.markdown import duration, percent, table


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


@pytest.fixture
def trial():
    files, release = with_canary(*released())
    files = applied(files, advance(files, release, now=NOW))
    return read_release(files, "churn")


def test_a_candidate_is_shown_next_to_the_champion(world: World):
    world.serve(1)
    found = world.pull_request(world.propose(2, champion=world.digest(1)).number)
    assert found.title == "Release pumps v2: ROC AUC 0.857, 2 gates passed"
    body = found.body
    assert body.startswith("**Put version 2 of `pumps` on trial** beside version 1, which serves.")
    assert "| ROC AUC >= 0.7 | pass | 0.8 |" in body
    assert "| ROC AUC | 0.800 (0.700 to 0.900) | 0.780 (0.680 to 0.880) | +0.0200 (" in body
    assert "logistic regression" not in body
    for needed in (
        world.digest(2),
        f"s3://millrace/bundles/sha256/{world.digest(2)}",
        "5" * 64,
        "0" * 64,
        "the schedule",
        "5 %, 25 %, 50 % of the traffic",
        "answered 500 requests",
        "0.5 % more errors",
        "1 % more answers slower than 50 ms",
        "at most 5 % of rollouts",
        "not promoted within 1 d",
        "That is a pull request that waits for you.",
        "0.031 from the champion's",
        "`millrace rollback pumps`",
        "Gates that could not be checked: champion.",
    ):
        assert needed in body, needed


def test_a_first_release_says_that_nothing_is_judged(world: World):
    body = world.pull_request(world.propose(1).number).body
    assert "this is its first release" in body
    assert "nothing serves yet. The baselines stand in for it." in body
    assert "logistic regression" in body
    assert "`pumps.millrace.localhost`" in body
    assert "rollback pumps --to VERSION" in body


@pytest.mark.parametrize("number", [1, 2])
def test_tools_find_what_a_pull_request_is_about(world: World, number: int):
    world.serve(1)
    world.propose(2)
    found = read_trailer(world.pull_request(number).body)
    assert found is not None
    assert found.model_dump() == {
        "workload": "pumps",
        "digest": world.digest(number),
        "version": number,
        "verb": "release",
    }


@pytest.mark.parametrize("body", ["", "hello", "Millrace-Workload: x\nMillrace-Version: y"])
def test_a_text_of_somebody_else_has_no_trailer(body: str):
    assert read_trailer(body) is None


def test_a_roll_back_tells_rates_and_evidence(trial):
    bad = judgement(
        "roll back",
        evidence("errors", "worse"),
        evidence("slow", "undecided", evidence_worse=0.9, evidence_no_worse=-0.5),
        evidence("scores", "no worse", tolerance=0.131),
    )
    text = judged_text("roll back", trial, bad, now=NOW + 725)
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
    paused = judged_text("advance", trial, good, now=NOW)
    assert paused.title == "Keep churn v8 at 5 % for 5 min"
    assert "**Keep `churn-v8` at 5 %** of the traffic for 5 min: a pause." in paused.body
    text = judged_text("promote", trial, good, now=NOW)
    assert text.title == "Promote churn v8"
    assert "all the traffic** of `churn`, up from 5 %" in text.body
    assert "this waits for you" in text.body
    assert "brings `churn-v7` back" in text.body


def test_a_first_weight_needs_no_evidence():
    _, release = with_canary(*released())
    text = judged_text("advance", release, None, now=NOW, reason="its pod is ready")
    assert text.title == "Advance churn v8 to 5 %"
    assert "its first." in text.body
    assert "Why: its pod is ready." in text.body
    assert "without traffic so far" in text.body
    assert "## Evidence" not in text.body
    assert "From then on it is judged" in text.body
    assert "as before" not in text.body


def test_a_roll_back_of_what_has_no_traffic_says_so():
    _, release = with_canary(*released())
    text = judged_text("roll back", release, None, now=NOW, reason="it does not become ready")
    assert text.title == "Roll back churn v8: it does not become ready"
    assert "it has no traffic of `churn` yet" in text.body


def test_what_is_held_for_a_person_says_why(trial):
    held = judgement("promote", evidence("scores", "worse"), needs_person=True)
    assert (
        "say whether it should differ this much"
        in judged_text("promote", trial, held, now=NOW).body
    )


def test_a_restore_says_what_serves_instead_and_what_is_known_of_the_bundle(world: World):
    world.serve(1)
    world.publish(7)
    text = world.rollback(to="7", reason="v1 forgets").pull_request
    assert text.title == "Restore pumps v7: v1 forgets"
    assert "serve** instead of version 1" in text.body
    assert "| served before | never |" in text.body
    assert "| ROC AUC >= 0.7 | pass | 0.8 |" in text.body
    assert "| ROC AUC | 0.857 (0.830 to 0.880) |" in text.body
    assert f"| snapshot | `{'5' * 64}` |" in text.body
    assert "still filled: pump_state." in text.body
    found = read_trailer(text.body)
    assert found is not None
    assert found.verb == "restore"


def test_what_served_before_serves_again(world: World):
    world.serve(1)
    _, card = world.publish(7)
    text = restore_text(world.release(), canary(7), card, uri="s3://b/x", served="until May")
    assert "serve again** instead of version 1" in text.body
    assert "| served before | until May |" in text.body


def test_a_branch_is_the_same_for_everyone_who_proposes_the_same():
    arm, again = canary(8), canary(8, purpose="restore", attempt=2)
    start = f"millrace/churn/{arm.digest[:12]}/"
    assert branch_of("churn", arm, "release") == f"{start}release"
    assert branch_of("churn", arm, "advance") == f"{start}step-0-advance"
    assert branch_of("churn", arm, "roll back", step=1) == f"{start}step-2-roll-back"
    assert branch_of("churn", arm, "promote", step=2) == f"{start}promote"
    assert branch_of("churn", again, "restore") == f"{start}restore-2"
    assert branch_of("churn", again, "promote") == f"{start}restore-2-promote"


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0 %"), (1, "100 %"), (0.098, "9.8 %"), (0.0012, "0.12 %"), (0.000004, "0.0004 %"),
     (0.25, "25 %"), (0.005, "0.5 %"), (0.9994, "99.9 %")],
)  # fmt: skip
def test_shares_are_told_as_percent(share: float, told: str):
    assert percent(share) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (40, "40 s"), (7500, "2 h 5 min"), (90061, "1 d 1 h"), (-3, "0 s")],
)
def test_times_are_told_in_two_units(seconds: float, told: str):
    assert duration(seconds) == told


def test_a_cell_cannot_break_its_table():
    assert table(["a"], [["x | y\nz"]]).splitlines()[2] == "| x \\| y z |"
    assert SITE.hostname("churn") == "churn.millrace.localhost"
