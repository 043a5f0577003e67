"""A backtest on a terminal: a line a turn, then a table whose numbers are those of the document."""

from __future__ import annotations

import pytest
from rich.console import Console

from cli.views_backtest import show_backtest, turn_line
from millrace.backtest import Backtest, Period, Showing, Turn
from millrace.backtest.result import POLICIES
from millrace.evaluation.result import Estimate


def estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.02, high=value + 0.02)


def turn(day: int, *, outcome: str = "released", reason: str = "", **period: object) -> Turn:
    measured = Period.model_validate(
        {
            "start": f"2024-01-0{day - 1}T00:00:00+00:00",
            "end": f"2024-01-0{day}T00:00:00+00:00",
            "rows": 1234,
            "mean_label": 0.25,
            "showings": [],
            **period,
        }
    )
    return Turn.model_validate(
        {
            "as_of": f"2024-01-0{day}T00:00:00+00:00",
            "basis": "b",
            "outcome": outcome,
            "reason": reason,
            "score": estimate(0.8) if outcome != "rejected" else None,
            "seconds": 61.42,
            "period": measured if period else None,
        }
    )


def showings(*scores: float) -> list[Showing]:
    return [
        Showing(policy=policy, trained="", model=str(score), score=estimate(score))
        for policy, score in zip(POLICIES, scores, strict=True)
    ]


@pytest.fixture
def found() -> Backtest:
    return Backtest(
        workload="flights",
        code_revision="c",
        start="2024-01-01T00:00:00+00:00",
        end="2024-01-05T00:00:00+00:00",
        every="1d",
        kind="binary",
        metric="roc_auc",
        higher_is_better=True,
        planned=4,
        turns=[
            turn(1),
            turn(2, showings=showings(0.7, 0.71, 0.72), gain=estimate(0.01)),
            turn(3, problem="no event has a label that was known by then", mean_label=None, rows=0),
            turn(4, outcome="rejected", reason="the batch is rejected: [bold]3[/] faults"),
        ],
    )


def printed(found: Backtest, width: int = 200) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        show_backtest(console, found, {"report": "/somewhere/report.html"})
    return capture.get()


def line(turn: Turn) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(turn_line(turn), soft_wrap=True)
    return capture.get().rstrip("\n")


def test_a_turn_is_told_in_a_line(found: Backtest) -> None:
    assert line(found.turns[0]) == ("✓ 2024-01-01  released       61.4 s  0.800 (0.780 to 0.820)")
    assert line(found.turns[3]) == (
        "✗ 2024-01-04  rejected       61.4 s  the batch is rejected: [bold]3[/] faults"
    )


def test_the_table_has_each_period_with_its_scores_or_the_reason(found: Backtest) -> None:
    lines = [" ".join(one.split()) for one in printed(found).splitlines()]
    assert lines[0] == "ROC AUC on events that no model had seen"
    assert "2024-01-01 to 2024-01-02 1,234 0.250 0.700 0.710 0.720" in lines
    assert "2024-01-02 to 2024-01-03 0 – no event has a label that was known by then" in lines
    assert "mean of 1 period 0.700 0.710 0.720" in lines
    assert lines[-1] == "report /somewhere/report.html"


def test_without_periods_there_is_no_table(found: Backtest) -> None:
    told = printed(found.model_copy(update={"turns": found.turns[:1]}))
    assert "events" not in told
    assert "1 of 1 turn would have released a model." in told


def test_what_is_summed_up_is_not_cut_on_a_pipe(found: Backtest) -> None:
    told = printed(found, width=40)
    assert "had a mean ROC AUC of 0.700, with retraining it was 0.710" in told
