"""The texts of pull requests say what a person needs to decide, and what tools look for."""

from __future__ import annotations

import pytest
from release_worlds import ROLLOUT, SITE, VERDICT, World, canary

from millrace.evaluation.result import Curve, Estimate, Evaluation, ModelResult
from millrace.release import branch_of
from millrace.release.evidence import CandidateFacts, candidate_text, read_trailer, restore_text
from millrace.release.evidence.markdown import duration, percent, table
from millrace.workload.serving import Serving


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


def test_a_candidate_that_predicts_a_number_is_known_by_its_error(world: World):
    _, card = world.publish(1)
    metrics = {name: Estimate(value=4.2, low=3.9, high=4.5) for name in ("mae", "rmse")}
    found = ModelResult(
        name="candidate", role="candidate", metrics=metrics, calibration=Curve(x=[], y=[])
    )
    facts = CandidateFacts(
        workload="pumps",
        arm=canary(1),
        card=card.model_copy(update={"metrics": metrics}),
        evaluation=Evaluation(
            rows=325,
            models=[found],
            comparisons=[],
            slices=[],
            parity=0,
            latency={},
            model_size=1,
        ),
        verdict=VERDICT,
        serving=Serving(),
        rollout=ROLLOUT,
        uri="s3://millrace/bundles/sha256/1",
    )
    text = candidate_text(facts, None, SITE)
    assert text.title == "Release pumps v1: RMSE 4.200, 2 gates passed"
    assert "On 325 held-out rows; in brackets 95 % bootstrap intervals." in text.body
    assert "| RMSE | 4.200 (3.900 to 4.500) |" in text.body
    assert "positive" not in text.body


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
