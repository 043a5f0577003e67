"""A run's summary and the registry's candidates as terminal tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from millrace.evaluation.result import Estimate, Evaluation, leading
from millrace.gates.verdict import Verdict
from millrace.registry.registration import Candidate
from millrace.report.text import metric_name, with_metric_names
from millrace.runs.summary import RunSummary

COLOURS = {"pass": "green", "fail": "red", "not applicable": "dim"}
HEADLINES = {
    "registered": "bold green",
    "unchanged": "bold cyan",
    "materialized": "bold green",
    "gate failed": "bold red",
    "rejected": "bold red",
    "failed": "bold red",
}


def show_summary(console: Console, told: RunSummary, places: Mapping[str, str]) -> None:
    """Print metrics, gates, the verdict, and where to find things.

    Args:
        console: where to print.
        told: the run.
        places: names of places and where they are, in the order in which they are shown.
    """
    if told.evaluation is not None:
        console.print(_metrics(told.evaluation))
    if told.verdict is not None:
        console.print(gates_table(told.verdict))
    console.print(f"\n[{HEADLINES[told.outcome]}]{escape(told.headline)}[/]")
    reused = [step.name for step in told.steps if step.outcome == "reused"]
    if reused:
        console.print(f"Reused from an earlier run: {', '.join(reused)}.")
    for name, place in places.items():
        console.print(f"[dim]{name:<12}[/]{escape(place)}", soft_wrap=True)


def _metrics(evaluation: Evaluation) -> Table:
    candidate, *others = evaluation.models
    table = _table("metric", "candidate", *(model.name.replace("_", " ") for model in others))
    table.title = f"{evaluation.rows:,} held-out rows, 95 % intervals"
    for column in table.columns[2:]:
        column.justify = "right"
    for metric, estimate in candidate.metrics.items():
        cells = [f"{m.metrics[metric].value:.3f}" if metric in m.metrics else "" for m in others]
        table.add_row(metric_name(metric), _estimate(estimate), *cells)
    return table


def gates_table(verdict: Verdict) -> Table:
    """Return every gate with its outcome and evidence, as a table."""
    table = _table("gate", "outcome", "evidence")
    table.title = "Gates"
    for result in verdict.results:
        outcome = f"[{COLOURS[result.outcome]}]{result.outcome}[/]"
        gate, evidence = map(with_metric_names, (result.gate, result.evidence))
        table.add_row(escape(gate), outcome, escape(evidence))
    return table


def candidates_table(candidates: Sequence[Candidate]) -> Table:
    """Return the registry's candidates as a table."""
    table = _table("workload", "version", "champion", "bundle", "metric", "created")
    for column in (table.columns[1], table.columns[4]):
        column.justify = "right"
    for one in candidates:
        known = leading(one.metrics)
        table.add_row(
            one.name,
            str(one.version),
            "[green]yes[/]" if one.champion else "",
            one.digest[:12],
            f"{metric_name(known)} {one.metrics[known]:.3f}" if known else "",
            one.created[:16].replace("T", " "),
        )
    return table


def _table(*columns: str) -> Table:
    """Return an empty table; what is too wide for a terminal is folded, never cut."""
    table = Table(title_justify="left", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [dim]{estimate.low:.3f}–{estimate.high:.3f}[/]"
