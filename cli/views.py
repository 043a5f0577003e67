"""A run's summary and the registry's candidates as terminal tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from millrace.evaluation.result import Estimate, Evaluation
from millrace.gates.verdict import Verdict
from millrace.registry.registration import Candidate
from millrace.runs.summary import RunSummary

COLOURS = {"pass": "green", "fail": "red", "not applicable": "dim"}
HEADLINES = {
    "registered": "bold green",
    "unchanged": "bold cyan",
    "gate failed": "bold red",
    "rejected": "bold red",
    "failed": "bold red",
}


def show_summary(console: Console, told: RunSummary, places: Mapping[str, str]) -> None:
    """Print metrics, gates, the verdict, and where to find things."""
    if told.evaluation is not None:
        console.print(_metrics(told.evaluation))
    if told.verdict is not None:
        console.print(_gates(told.verdict))
    console.print(f"\n[{HEADLINES[told.outcome]}]{escape(told.headline)}[/]")
    reused = [step.name for step in told.steps if step.outcome == "reused"]
    if reused:
        console.print(f"Reused from an earlier run: {', '.join(reused)}.")
    found = dict(places)
    if told.registration is not None:
        found = {"bundle": told.registration.uri, **found}
    for name, place in found.items():
        console.print(f"[dim]{name:<10}[/]{escape(place)}", soft_wrap=True)


def _metrics(evaluation: Evaluation) -> Table:
    title = f"{evaluation.rows:,} held-out rows, 95 % intervals"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    candidate, *others = evaluation.models
    table.add_column("metric")
    table.add_column("candidate")
    for model in others:
        table.add_column(model.name.replace("_", " "), justify="right")
    for metric, estimate in candidate.metrics.items():
        cells = [f"{m.metrics[metric].value:.3f}" if metric in m.metrics else "" for m in others]
        table.add_row(metric, _estimate(estimate), *cells)
    return table


def _gates(verdict: Verdict) -> Table:
    table = Table(title="Gates", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("gate", overflow="fold")
    table.add_column("outcome")
    table.add_column("evidence", overflow="fold")
    for result in verdict.results:
        outcome = f"[{COLOURS[result.outcome]}]{result.outcome}[/]"
        table.add_row(escape(result.gate), outcome, escape(result.evidence))
    return table


def candidates_table(candidates: Sequence[Candidate]) -> Table:
    """Return the registry's candidates as a table."""
    table = Table(box=SIMPLE_HEAD)
    for column in ("workload", "version", "", "bundle", "ROC AUC", "snapshot", "signal", "created"):
        table.add_column(column, justify="right" if column in ("version", "ROC AUC") else "left")
    for one in candidates:
        auc = one.metrics.get("roc_auc")
        table.add_row(
            one.name,
            str(one.version),
            "[green]champion[/]" if one.champion else "",
            one.digest[:12],
            f"{auc:.3f}" if auc is not None else "",
            one.snapshot[:12],
            one.signal,
            one.created[:16].replace("T", " "),
        )
    return table


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [dim]{estimate.low:.3f}–{estimate.high:.3f}[/]"
