"""A backtest's turns and what retraining was worth, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from millrace.backtest.result import POLICIES, Backtest, Period, Turn
from millrace.report.backtest import headline
from millrace.report.dates import day
from millrace.report.text import clip, metric_name, number, with_metric_names

_REASON = 100


def turn_line(turn: Turn) -> str:
    """Return a turn in one line, as the console's markup."""
    mark = "[green]✓[/]" if turn.outcome == "released" else "[red]✗[/]"
    score = turn.score
    told = f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})" if score else ""
    reason = clip(with_metric_names(turn.reason), _REASON)
    note = "  ".join(part for part in (told, escape(reason)) if part)
    return f"{mark} {day(turn.as_of)}  {turn.outcome:<12}{turn.seconds:>7.1f} s  {note}"


def show_backtest(console: Console, found: Backtest, places: Mapping[str, str]) -> None:
    """Print how each policy did in each period, the sum of it, and where to find more."""
    console.print(_table(found))
    console.print(f"\n[bold]{escape(headline(found))}[/]")
    for name, place in places.items():
        console.print(f"[dim]{name:<12}[/]{escape(place)}", soft_wrap=True)


def _table(found: Backtest) -> Table:
    table = Table(title_justify="left", box=SIMPLE_HEAD)
    table.title = f"{metric_name(found.metric)} on events that no model had seen"
    table.add_column("period")
    for name in ("events", "mean label", *POLICIES):
        table.add_column(name, justify="right")
    for turn in found.turns:
        if turn.period is not None:
            table.add_row(*_cells(turn.period))
    means = [number(found.mean_of(policy)) for policy in POLICIES]
    table.add_section()
    table.add_row("mean", "", "", *means)
    return table


def _cells(period: Period) -> list[str]:
    name = f"{day(period.start)} to {day(period.end)}"
    if not period.showings:
        return [name, "", "", f"[dim]{escape(period.problem)}[/]", "", ""]
    scores = {showing.policy: f"{showing.score.value:.3f}" for showing in period.showings}
    return [
        name,
        f"{period.rows:,}",
        number(period.mean_label),
        *(scores.get(policy, "") for policy in POLICIES),
    ]
