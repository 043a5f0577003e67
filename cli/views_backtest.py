"""A backtest's turns and what retraining was worth, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from millrace.backtest.result import POLICIES, Backtest, Turn
from millrace.report.backtest import PeriodRow, mean_row, period_rows, summed_up
from millrace.report.dates import day
from millrace.report.text import clip, decimals_for, metric_name, number, with_metric_names

_REASON = 100


def turn_line(turn: Turn) -> str:
    """Return a turn in one line, as the console's markup."""
    mark = "[green]✓[/]" if turn.outcome == "released" else "[red]✗[/]"
    reason = clip(with_metric_names(turn.reason), _REASON)
    note = "  ".join(part for part in (_score(turn), escape(reason)) if part)
    return f"{mark} {day(turn.as_of)}  {turn.outcome:<12}{turn.seconds:>7.1f} s  {note}"


def show_backtest(console: Console, found: Backtest, places: Mapping[str, str]) -> None:
    """Print how each policy did in each period, the sum of it, and where to find more."""
    rows = period_rows(found)
    if rows:
        console.print(_table(found, rows))
    console.print(f"\n[bold]{escape(summed_up(found))}[/]", soft_wrap=True)
    for name, place in places.items():
        console.print(f"[dim]{name:<12}[/]{escape(place)}", soft_wrap=True)


def _score(turn: Turn) -> str:
    if turn.score is None:
        return ""
    decimals = decimals_for([turn.score])
    value, low, high = (
        number(part, decimals) for part in (turn.score.value, turn.score.low, turn.score.high)
    )
    return f"{value} ({low} to {high})"


def _table(found: Backtest, rows: list[PeriodRow]) -> Table:
    table = Table(title_justify="left", box=SIMPLE_HEAD)
    table.title = f"{metric_name(found.metric)} on events that no model had seen"
    table.add_column("period")
    for name in ("events", "mean label", *POLICIES):
        table.add_column(name, justify="right")
    for row in rows:
        told = [f"[dim]{escape(row.problem)}[/]", "", ""] if row.problem else row.scores
        table.add_row(row.period, row.events, row.mean_label, *told)
    table.add_section()
    mean = mean_row(found)
    table.add_row(mean.period, mean.events, mean.mean_label, *mean.scores)
    return table
