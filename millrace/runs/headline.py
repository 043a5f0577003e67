"""A run in one sentence."""

from __future__ import annotations

from millrace.report.text import counted, known_by, when
from millrace.runs.summary import RunSummary


def headline(told: RunSummary) -> str:
    """Return what happened, in one sentence that a person understands."""
    if told.outcome == "registered" and told.registration is not None:
        proposal = told.registration.proposal
        proposed = f" and {proposal}" if proposal else ""
        version = f"{told.workload} version {told.registration.version}"
        return f"{version} is registered{proposed}: {_scores(told)}."
    if told.outcome == "unchanged" and told.registration is not None:
        proposal = told.registration.proposal
        waits = f", {proposal}" if proposal and proposal.state == "open" else ""
        return (
            f"No new data: the same model is registered already, as {told.workload} "
            f"version {told.registration.version}{waits}."
        )
    if told.outcome == "materialized" and told.snapshot is not None:
        return f"{told.workload} as of {when(told.snapshot.as_of)}: {_features(told)}."
    if told.outcome == "gate failed" and told.verdict is not None:
        failed = [result for result in told.verdict.results if result.outcome == "fail"]
        return f"{len(failed)} of {len(told.verdict.results)} gates failed: nothing is registered."
    if told.outcome == "rejected" and told.quality is not None:
        reasons = [finding.problem for finding in told.quality.findings if finding.rejects]
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return f"The batch is rejected: {reasons[0]}{more}."
    step = told.failed_step or "a step"
    problem = (told.failure or {}).get("problem", "it ended early")
    return f"The run stopped in {step}: {problem}."


def _features(told: RunSummary) -> str:
    views = (told.features or {}).get("views", [])
    rows, keys = (sum(view[part] for view in views) for part in ("added", "materialized"))
    return f"{counted(rows, 'new row')} of features, {counted(keys, 'value')} brought online"


def _scores(told: RunSummary) -> str:
    parts = []
    if told.evaluation is not None:
        parts.append(known_by(told.evaluation.models[0].metrics))
    if told.verdict is not None:
        parts.append(f"gates: {told.verdict.tally}")
    return ", ".join(part for part in parts if part)
