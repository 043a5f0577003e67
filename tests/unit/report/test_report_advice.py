"""What a reader is told to do, and how the candidate is said to compare."""

from __future__ import annotations

import pytest
from report_endings import ENDINGS

from millrace.evaluation.result import Comparison, Estimate
from millrace.gates.verdict import GateResult
from millrace.registry.registration import Proposal
from millrace.report import advice
from millrace.report.metrics import difference
from millrace.report.opening import gates_sentence, opening
from millrace.runs.headline import headline
from millrace.runs.summary import RunSummary


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("passed", "Version 8 is a candidate in the registry"),
        ("first", "version 1 is the champion"),
        ("unchanged", "Nothing to do: this data and this code have version 8 already."),
        ("materialized", "from now on, what serves reads these features."),
        ("gate_failed", "mend the data, the model or the gate"),
        ("rejected", "Rename it back at the source, or rename it in the contract."),
        ("crashed", "Lower `training.learning_rate` or check the features for huge values."),
    ],
)
def test_every_ending_says_what_to_do_next(name: str, told: str) -> None:
    assert told in " ".join(advice(ENDINGS[name]()))


@pytest.mark.parametrize(
    ("name", "proposal", "told"),
    [
        ("passed", {"state": "open"}, "merge it: `millrace pr merge 4`"),
        ("first", {"state": "open"}, "Review pull request #4 (`millrace pr show 4`)"),
        ("unchanged", {"state": "open"}, "have version 8 already. Review pull request #4"),
        ("unchanged", {"state": "closed"}, "Nothing to do: this data and this code"),
        ("passed", {"state": "open", "draft": True, "waits_for": "x"}, "is a draft, which waits"),
    ],
)
def test_a_proposed_candidate_wants_a_review(
    name: str, proposal: dict[str, object], told: str
) -> None:
    ending = ENDINGS[name]()
    assert ending.registration is not None
    found = Proposal.model_validate({"number": 4, "title": "Release churn v8", **proposal})
    registration = ending.registration.model_copy(update={"proposal": found})
    proposed = ending.model_copy(update={"registration": registration})
    assert told in " ".join(advice(proposed))
    opened = proposal["state"] == "open"
    assert ("pull request #4" in headline(proposed)) == opened


def test_a_rejected_batch_advises_only_on_what_rejects_it() -> None:
    sentences = advice(ENDINGS["rejected"]())

    assert len(sentences) == 4
    assert sentences[-1] == "Then run again."


@pytest.mark.parametrize(
    ("name", "step", "told"),
    [
        ("rejected", "validate", "What is online is as it was."),
        ("crashed", "ingest", "What is online is as it was."),
        ("crashed", "materialize", "Features may have come online in part"),
    ],
)
def test_a_red_materialization_says_what_is_online(name: str, step: str, told: str) -> None:
    ending = ENDINGS[name]()
    red = ending.model_copy(
        update={"pipeline": "materialization", "failure": {**(ending.failure or {}), "step": step}}
    )

    assert told in advice(red)[0]
    assert "registered" not in advice(red)[0]


def test_a_crash_without_a_remedy_points_to_the_log() -> None:
    crashed = ENDINGS["crashed"]().model_copy(update={"failure": None, "steps": []})

    assert "Read the log of the failing step." in advice(crashed)


def test_a_rejected_batch_without_its_report_still_passes_on_the_remedy() -> None:
    bare = ENDINGS["rejected"]().model_copy(update={"quality": None})

    assert any("rename it in the contract" in sentence for sentence in advice(bare))
    assert ("Step", "validate") in opening(bare).fault


@pytest.mark.parametrize(
    ("low", "high", "reading"),
    [(0.001, 0.01, "better"), (-0.01, -0.001, "worse"), (-0.01, 0.01, "no clear difference")],
)
def test_a_difference_is_read_from_its_interval(low: float, high: float, reading: str) -> None:
    found = Estimate(value=(low + high) / 2, low=low, high=high)
    row = difference(Comparison(other="champion", metric="roc_auc", difference=found))

    assert row.reading == reading
    assert row.zero == 50
    assert row.measured.whisker is not None
    assert (row.measured.whisker.low > 50) == (reading == "better")
    assert (row.measured.whisker.high < 50) == (reading == "worse")


def test_a_bound_near_zero_is_shown_on_its_side_of_it() -> None:
    found = Estimate(value=-0.0016, low=-0.0034, high=-0.00003)
    row = difference(Comparison(other="champion", metric="brier", difference=found))

    assert row.reading == "worse"
    assert row.measured.interval == "−0.00340 to −0.00003"


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        (["pass"], "1 of 1 gate passed."),
        (["pass", "fail"], "1 of 2 gates passed, 1 failed."),
        (["not applicable"] * 2, "0 of 2 gates passed, 2 do not apply."),
    ],
)
def test_gates_are_counted(outcomes: list[str], told: str) -> None:
    results = [GateResult(gate="g", outcome=outcome, evidence="e") for outcome in outcomes]

    assert gates_sentence(results) == told


def test_key_figures_say_what_a_reader_takes_away() -> None:
    figures = {figure.name: figure.value for figure in opening(ENDINGS["passed"]()).figures}

    assert figures["ROC AUC"] == "0.846"
    assert figures["Against champion"] == "+0.004"
    assert figures["Gates passed"] == "9 of 9"
    assert figures["Records accepted"] == "7,032"


def test_a_crash_before_the_first_step_has_only_its_time_to_show() -> None:
    bare = RunSummary.model_validate(
        ENDINGS["crashed"]().model_dump(exclude={"quality", "dataset", "snapshot"})
    )

    assert [figure.name for figure in opening(bare).figures] == ["Time"]
