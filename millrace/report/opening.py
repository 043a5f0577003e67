"""The first thing a reader sees: how the run ended, why, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.evaluation.result import leading
from millrace.gates.verdict import GateResult
from millrace.report import text
from millrace.report.metrics import difference
from millrace.report.next_steps import advice
from millrace.runs.summary import Outcome, RunSummary

Tone = Literal["good", "same", "held", "bad"]
WORDS: dict[Outcome, tuple[str, Tone]] = {
    "registered": ("Passed", "good"),
    "unchanged": ("Unchanged", "same"),
    "materialized": ("Materialized", "good"),
    "gate failed": ("Gate failed", "bad"),
    "rejected": ("Batch rejected", "held"),
    "failed": ("Run failed", "bad"),
}


@dataclass(frozen=True)
class Figure:
    """One number that a reader takes away."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Opening:
    """What stands above everything else."""

    word: str
    tone: Tone
    reasons: list[tuple[str, str]]
    """What failed, each with its evidence; but for what the headline tells already."""
    fault: list[tuple[str, str]]
    """The fault of a run that broke: where, problem, found, expected."""
    advice: list[str]
    figures: list[Figure]
    facts: list[tuple[str, str]]


def opening(summary: RunSummary) -> Opening:
    """Return how the run ended, the reasons, the advice and the key figures."""
    word, tone = WORDS[summary.outcome]
    reasons = _reasons(summary)
    facts = [
        ("Run", summary.run),
        ("Asked for by", summary.signal),
        ("Started", text.when(summary.started)),
        *((key.capitalize(), value) for key, value in sorted(summary.labels.items())),
    ]
    return Opening(
        word,
        tone,
        [(name, text.clip(why, 400)) for name, why in reasons if why not in summary.headline],
        [] if reasons else _fault(summary),
        advice(summary),
        _figures(summary),
        facts,
    )


def gates_in_order(results: list[GateResult]) -> list[GateResult]:
    """Return the gates as a reader wants them: failures first, what does not apply last."""
    order = {"fail": 0, "pass": 1, "not applicable": 2}
    return [
        result.model_copy(
            update={
                "gate": text.with_metric_names(result.gate),
                "evidence": text.with_metric_names(result.evidence),
            }
        )
        for result in sorted(results, key=lambda result: order[result.outcome])
    ]


def gates_sentence(results: list[GateResult]) -> str:
    """Return how many gates passed, failed or do not apply."""
    tally = {o: sum(r.outcome == o for r in results) for o in ("pass", "fail", "not applicable")}
    told = [f"{tally['pass']} of {text.counted(len(results), 'gate')} passed"]
    if tally["fail"]:
        told.append(f"{tally['fail']} failed")
    if tally["not applicable"]:
        verb = "does" if tally["not applicable"] == 1 else "do"
        told.append(f"{tally['not applicable']} {verb} not apply")
    return ", ".join(told) + "."


def _reasons(summary: RunSummary) -> list[tuple[str, str]]:
    if summary.outcome == "gate failed" and summary.verdict is not None:
        results = gates_in_order(summary.verdict.results)
        return [(r.gate, r.evidence) for r in results if r.outcome == "fail"]
    if summary.outcome == "rejected" and summary.quality is not None:
        rejecting = [finding for finding in summary.quality.findings if finding.rejects]
        return [(text.clip(f.column or "Batch", 80), f.problem) for f in rejecting[:20]]
    return []


def _fault(summary: RunSummary) -> list[tuple[str, str]]:
    failure = summary.failure or {}
    told = [
        ("Step", summary.failed_step or ""),
        ("Where", failure.get("where", "")),
        ("Problem", failure.get("problem", "") or failure.get("message", "")),
        ("Found", failure.get("found", "")),
        ("Expected", failure.get("expected", "")),
    ]
    return [(name, text.clip(value, 1000)) for name, value in told if value] if failure else []


def _figures(summary: RunSummary) -> list[Figure]:
    figures = [*_of_evaluation(summary)]
    if summary.verdict is not None:
        results = summary.verdict.results
        passed = sum(result.outcome == "pass" for result in results)
        applied = sum(result.outcome != "not applicable" for result in results)
        left = len(results) - applied
        note = f"{left} not applicable" if left else "all apply"
        figures.append(Figure("Gates passed", f"{passed} of {applied}", note))
    if summary.quality is not None:
        aside = text.count(summary.quality.quarantined)
        accepted = text.count(summary.quality.accepted)
        figures.append(Figure("Records accepted", accepted, f"{aside} in quarantine"))
    reused = sum(step.outcome == "reused" for step in summary.steps)
    note = f"{text.counted(reused, 'step')} reused" if reused else "nothing reused"
    return [*figures, Figure("Time", text.duration(summary.seconds), note)]


def _of_evaluation(summary: RunSummary) -> list[Figure]:
    found = summary.evaluation
    if found is None or not found.models or not found.models[0].metrics:
        return []
    metrics = found.models[0].metrics
    name = leading(metrics) or ""
    decimals = text.decimals_for([metrics[name]])
    low, high = (text.number(n, decimals) for n in (metrics[name].low, metrics[name].high))
    figure = Figure(
        text.metric_name(name), text.number(metrics[name].value, decimals), f"{low} to {high}"
    )
    against = [c for c in found.comparisons if c.other == "champion" and c.metric == name]
    if not against:
        why = "cannot be compared" if found.champion_problem else "no champion to compare with"
        return [figure, Figure("Against champion", text.NOTHING, why)]
    row = difference(against[0])
    return [figure, Figure("Against champion", row.measured.value, row.reading)]
