"""The whole report: what a reader finds in it, and what must never be in it."""

from __future__ import annotations

import pytest
from html_checks import read
from hypothesis import given, settings
from hypothesis import strategies as st
from report_endings import ENDINGS

from millrace.dataset.manifest import Feature
from millrace.report import render
from millrace.report.text import with_metric_names
from millrace.runs.summary import RunSummary
from millrace.validation.report import ColumnDrift, QualityReport

PARTS = (
    *("snapshot", "quality", "features", "dataset", "training", "exported"),
    *("evaluation", "verdict", "registration", "lineage", "code_revision", "commit", "failure"),
)


def test_every_ending_gives_a_well_formed_page(any_ending: RunSummary) -> None:
    html = render(any_ending)

    assert html.startswith("<!doctype html>")
    assert read(html).faults == []


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("passed", "Passed"),
        ("first", "Passed"),
        ("unchanged", "Unchanged"),
        ("materialized", "Materialized"),
        ("gate_failed", "Gate failed"),
        ("rejected", "Batch rejected"),
        ("crashed", "Run failed"),
    ],
)
def test_the_verdict_comes_first_then_the_headline_then_what_to_do(name: str, word: str) -> None:
    summary = ENDINGS[name]()
    page = read(render(summary))

    assert page.text_of("h1") == [word]
    assert page.visible.startswith(f"churn {word} {summary.headline}")
    assert page.visible.index("What to do next") < page.visible.index("Started")
    headings = [tag for tag in page.tags if tag in ("h1", "h2", "h3", "table")]
    assert headings[0] == "h1"


def test_a_passed_run_shows_every_gate_with_its_evidence() -> None:
    summary = ENDINGS["passed"]()
    visible = read(render(summary)).visible

    assert summary.verdict is not None
    for result in summary.verdict.results:
        assert with_metric_names(result.gate) in visible
        assert result.evidence in visible
    assert "ROC AUC >= 0.82" in visible
    assert "roc_auc" not in visible
    assert "9 of 9 gates passed." in visible


def test_a_materialization_shows_source_quality_and_features_and_no_model() -> None:
    page = read(render(ENDINGS["materialized"]()))

    assert page.text_of("nav", "a") == [
        *("Data quality", "Drift", "Features", "Steps", "Lineage", "How to reproduce")
    ]
    assert "Feature store" in page.text_of("h3")
    assert "Source" in page.text_of("dt")


def test_failing_gates_stand_above_passing_ones_and_in_the_opening() -> None:
    page = read(render(ENDINGS["gate_failed"]()))
    outcomes = [text for text in page.text_of("table", "td", "span") if text in ("pass", "fail")]

    assert outcomes == ["fail"] * 2 + ["pass"] * 7
    assert "0.806 (95 % interval 0.787 to 0.824)" in page.text_of("header", "li")
    assert "7 of 9 gates passed, 2 failed." in page.visible


def test_a_failing_gate_that_the_headline_tells_is_not_told_twice_in_the_opening() -> None:
    summary = ENDINGS["gate_failed"]()
    assert summary.verdict is not None
    told = summary.verdict.results[0].evidence
    said = summary.model_copy(update={"headline": f"2 gates failed: {told}."})

    assert told not in read(render(said)).text_of("header", "li")


def test_every_metric_of_every_model_stands_with_its_interval() -> None:
    summary = ENDINGS["passed"]()
    page = read(render(summary))

    for label in (
        "ROC AUC",
        "PR AUC",
        "Log loss",
        "Brier score",
        "Calibration error",
        "Lift at 10",
    ):
        assert label in page.visible
    for label in ("Candidate", "Champion", "Logistic regression", "Gradient boosting"):
        assert page.text_of("table", "span").count(label) == 6
    assert "0.846" in page.visible
    assert "0.827 to 0.864" in page.visible
    assert "12 rows are left out, because it had trained on them" in page.visible


def test_intervals_are_drawn_and_curves_have_titles_and_descriptions() -> None:
    page = read(render(ENDINGS["passed"]()))
    whiskers = [e for e in page.elements if e.attributes.get("class", "").startswith("whisker ")]
    charts = [e for e in page.elements if e.attributes.get("role") == "img"]

    assert len(whiskers) == 6 * 4 + 6 * 3 + 4 * 2 * 2
    named = {name for c in charts for name in c.attributes.get("aria-labelledby", "").split()}
    for key in ("roc", "pr", "calibration", "scores", "learning", "bins"):
        assert {f"{key}-title", f"{key}-desc"} <= named
    for title in ("ROC", "Precision and recall", "Calibration", "Learning curve"):
        assert title in page.text_of("h3")


def test_every_slice_shows_its_groups_and_its_gap() -> None:
    visible = read(render(ENDINGS["passed"]())).visible

    for text in ("gender", "Female", "Male", "SeniorCitizen", "Gap", "0.071", "Too small to tell"):
        assert text in visible


def test_every_finding_shows_its_records_examples_and_remedy() -> None:
    summary = ENDINGS["rejected"]()
    page = read(render(summary))

    assert summary.quality is not None
    for finding in summary.quality.findings:
        assert finding.problem in page.visible
        for example in finding.examples:
            assert example in page.text_of("code")
    assert "Have the source write numbers with a point for the decimals." in page.visible
    assert "5,120 records parsed" in page.visible
    assert page.text_of("section", "span").count("rejects the batch") == 2


def test_columns_and_drift_show_every_column() -> None:
    summary = ENDINGS["passed"]()
    page = read(render(summary))

    assert summary.quality is not None
    for column in summary.quality.columns:
        assert page.text_of("tbody", "th").count(column.name) == 2  # its profile and its drift
    assert "Kolmogorov-Smirnov" in page.visible


def test_steps_show_their_time_or_that_they_were_reused() -> None:
    page = read(render(ENDINGS["passed"]()))

    assert "2 of 10 steps were reused" in page.visible
    assert page.text_of("table", "span").count("reused") == 2
    assert page.text_of("table", "span").count("done") == 8


def test_digests_carry_their_full_value_for_copying() -> None:
    summary = ENDINGS["passed"]()
    page = read(render(summary))
    assert summary.lineage is not None
    assert summary.registration is not None

    shown = {e.attributes["title"] for e in page.elements if e.attributes.get("class") == "digest"}
    for digest in (
        summary.lineage.snapshot,
        summary.lineage.dataset,
        summary.lineage.contract,
        summary.lineage.code_revision,
        summary.registration.digest,
    ):
        assert digest in shown
        assert digest in page.text_of("code")


def test_features_that_requests_bring_stand_apart_from_those_of_the_views() -> None:
    summary = ENDINGS["passed"]()
    assert summary.dataset is not None
    brought = Feature(name="distance", view="", kind="number")
    dataset = summary.dataset.model_copy(update={"features": [*summary.dataset.features, brought]})
    page = read(render(summary.model_copy(update={"dataset": dataset})))

    assert "brought by the request" in page.text_of("dt")
    assert any(told.startswith("distance") for told in page.text_of("dd"))
    assert "customer_billing" in page.text_of("dt", "code")


def test_a_first_run_says_that_there_is_no_champion_and_no_earlier_snapshot() -> None:
    visible = read(render(ENDINGS["first"]())).visible

    assert "There is no champion to compare with." in visible
    assert "There is no earlier snapshot to compare with." in visible
    assert "8 of 9 gates passed, 1 does not apply." in visible


def test_a_champion_that_cannot_be_compared_is_told_with_the_reason() -> None:
    summary = ENDINGS["first"]()
    assert summary.evaluation is not None
    found = summary.evaluation.model_copy(update={"champion_problem": "its input Region is gone"})
    visible = read(render(summary.model_copy(update={"evaluation": found}))).visible

    assert "cannot be compared with the champion: its input Region is gone." in visible
    assert "There is no champion" not in visible


def test_a_crashed_run_shows_the_fault_and_what_is_known() -> None:
    page = read(render(ENDINGS["crashed"]()))

    for text in ("train", "epoch 3", "the loss is not a number", "nan", "a finite loss"):
        assert any(text in told for told in page.text_of("header", "dd"))
    assert page.text_of("nav", "a")[0] == "Data quality"
    assert page.visible.count("skipped") == 4


@settings(max_examples=40, deadline=None)
@given(missing=st.sets(st.sampled_from(PARTS)), name=st.sampled_from(sorted(ENDINGS)))
def test_a_report_is_made_of_whatever_parts_there_are(missing: set[str], name: str) -> None:
    summary = ENDINGS[name]().model_copy(update=dict.fromkeys(missing))
    page = read(render(summary))

    assert page.faults == []
    assert "None" not in page.visible
    if "verdict" in missing:
        assert "Evidence" not in page.visible
    if "quality" in missing:
        assert "Data quality" not in page.visible


def test_a_run_that_left_nothing_still_says_how_it_ended() -> None:
    summary = RunSummary(
        run="r1",
        workload="churn",
        started="2026-07-27T03:00:01+00:00",
        finished="2026-07-27T03:00:01+00:00",
        outcome="failed",
        headline="The run ended before its first step.",
    )
    page = read(render(summary))

    assert page.faults == []
    assert page.text_of("h1") == ["Run failed"]
    assert "section" not in page.tags


def test_the_place_of_the_quarantine_is_told_where_there_is_one() -> None:
    summary = ENDINGS["passed"]()
    assert summary.quality is not None
    kept = summary.quality.model_copy(update={"quarantine": "/store/quarantine/churn/1"})
    assert "/store/quarantine/churn/1" in read(render(_with_quality(summary, kept))).visible
    assert "The records in quarantine lie in" not in render(summary)


def test_a_batch_of_which_nothing_was_accepted_has_no_table_of_columns() -> None:
    summary = ENDINGS["rejected"]()
    quality = ENDINGS["passed"]().quality
    assert quality is not None
    nothing = quality.model_copy(update={"accepted": 0, "quarantined": quality.parsed})
    assert "Columns of the accepted records" in render(_with_quality(summary, quality))
    assert "Columns of the accepted records" not in render(_with_quality(summary, nothing))


def test_the_scale_of_drift_is_a_round_number() -> None:
    summary = ENDINGS["passed"]()
    assert summary.quality is not None
    moved = [ColumnDrift(name="tenure", measure="ks", distance=0.906604)]
    drifted = summary.quality.model_copy(update={"drift": moved})
    assert "The bars reach to 0.91." in read(render(_with_quality(summary, drifted))).visible


def test_the_report_says_how_it_is_copied() -> None:
    summary = ENDINGS["passed"]()
    assert f"millrace report {summary.run} --output report.html" in read(render(summary)).visible


def _with_quality(summary: RunSummary, quality: QualityReport) -> RunSummary:
    return summary.model_copy(update={"quality": quality})
