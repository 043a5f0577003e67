"""The summary of a run, as it is kept and read again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError
from report_documents import summary
from report_endings import ENDINGS

from millrace.errors import MillraceError
from millrace.evaluation.result import Estimate
from millrace.runs.summary import RunSummary, StepRecord


def test_a_summary_is_read_as_it_was_written(any_ending: RunSummary, tmp_path: Path) -> None:
    any_ending.write(tmp_path / "summary.json")

    assert RunSummary.read(tmp_path / "summary.json") == any_ending


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("started", "yesterday"),
        ("started", "2026-07-27T03:00:01"),
        ("finished", ""),
        ("outcome", "fine"),
        ("headline", ""),
        ("headlin", "misspelled"),
        ("steps", [{"name": "train", "outcome": "bored"}]),
    ],
)
def test_a_summary_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        summary(**{"outcome": "failed", "headline": "It broke.", field: value})


def test_another_document_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    file.write_text('{"run": "r1"}')

    with pytest.raises(MillraceError, match="is no RunSummary document"):
        RunSummary.read(file)


def test_a_run_takes_as_long_as_from_its_start_to_its_end() -> None:
    assert ENDINGS["passed"]().seconds == 48
    across_zones = summary(
        outcome="failed",
        headline="It broke.",
        started="2026-07-27T03:00:00+00:00",
        finished="2026-07-27T05:00:30+02:00",
    )
    assert across_zones.seconds == 30


def test_the_failed_step_is_known_from_the_fault_or_from_the_steps() -> None:
    assert ENDINGS["crashed"]().failed_step == "train"
    assert ENDINGS["passed"]().failed_step is None
    silent = summary(
        outcome="failed",
        headline="It broke.",
        steps=[StepRecord(name="export", outcome="failed", seconds=1.0)],
    )
    assert silent.failed_step == "export"


def test_metrics_are_the_candidates_and_hold_no_nan() -> None:
    passed = ENDINGS["passed"]()
    assert passed.metrics()["roc_auc"] == pytest.approx(0.846)
    assert ENDINGS["rejected"]().metrics() == {}

    assert passed.evaluation is not None
    broken = Estimate(value=math.nan, low=math.nan, high=math.nan)
    own = passed.evaluation.models[0]
    odd = own.model_copy(update={"metrics": {**own.metrics, "pr_auc": broken}})
    found = passed.evaluation.model_copy(update={"models": [odd]})
    assert "pr_auc" not in passed.model_copy(update={"evaluation": found}).metrics()
