"""The pull request of a candidate: why it may serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from millrace.evaluation.result import Comparison, Estimate, Evaluation, ModelResult, leading
from millrace.gates.verdict import GateResult, Verdict
from millrace.gates.wording import difference, metric
from millrace.registry.card import Card, Lineage
from millrace.release.documents import Canary, Release
from millrace.release.evidence.markdown import Text, bullets, numbered, page, table
from millrace.release.evidence.policy import canary_steps, first_release_steps
from millrace.release.evidence.trailer import trailer
from millrace.release.layout import Site
from millrace.report.text import metric_name, with_metric_names
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving


@dataclass(frozen=True)
class CandidateFacts:
    """What is known of a candidate.

    Attributes:
        workload: name of the workload.
        arm: the candidate as an arm.
        card: its card.
        evaluation: what evaluation found in the run that proposes it.
        verdict: its gates in that run.
        serving: how it would answer.
        rollout: how it would be judged.
        uri: where its bundle lies.
        window: time window of its records; empty if there is none.
        run: name of the run.
    """

    workload: str
    arm: Canary
    card: Card
    evaluation: Evaluation
    verdict: Verdict
    serving: Serving
    rollout: Rollout
    uri: str
    window: str = ""
    run: str = ""


def candidate_text(facts: CandidateFacts, release: Release | None, site: Site) -> Text:
    """Return the text that proposes a candidate, or a first release if there is none yet."""
    name = f"{facts.workload} v{facts.arm.version}"
    known = leading(facts.card.metrics)
    verdict = facts.verdict
    passed = sum(result.outcome == "pass" for result in verdict.results)
    figures = [f"{metric_name(known)} {metric(facts.card.metrics[known].value)}"] if known else []
    title = f"Release {name}: " + ", ".join([*figures, f"{passed} gates passed"])
    body = page(
        _asked(facts, release),
        "## Gates",
        f"{verdict.tally}.".capitalize(),
        gates_table(verdict.results),
        "## Metrics",
        *_metrics(facts, release),
        "## What it is made from",
        _origin(facts),
        "## What merging does",
        numbered(_steps(facts, release, site)),
        "## What to look at",
        bullets(_review(facts, release)),
        "## How to undo it",
        _undo(facts, release),
        "---",
        trailer(facts.workload, facts.arm, "release"),
    )
    return Text(title, body)


def _asked(facts: CandidateFacts, release: Release | None) -> str:
    if release is None:
        return (
            f"**Serve version {facts.arm.version} of `{facts.workload}`.** Nothing of this "
            "workload serves yet: this is its first release."
        )
    return (
        f"**Put version {facts.arm.version} of `{facts.workload}` on trial** beside version "
        f"{release.stable.version}, which serves."
    )


def gates_table(results: Sequence[GateResult]) -> str:
    """Return the outcome of every gate."""
    return table(
        ["gate", "outcome", "evidence"],
        [
            [with_metric_names(one.gate), one.outcome, with_metric_names(one.evidence)]
            for one in results
        ],
    )


def estimate_text(found: Estimate) -> str:
    """Return a metric with its interval: `0.857 (0.831 to 0.880)`."""
    return f"{metric(found.value)} ({metric(found.low)} to {metric(found.high)})"


def _metrics(facts: CandidateFacts, release: Release | None) -> list[str]:
    found = facts.evaluation
    candidate, champion = found.models[0], found.model("champion")
    positive = "" if found.positives is None else f", {found.positives:,} of them positive"
    rows = f"On {found.rows:,} held-out rows{positive}; in brackets 95 % bootstrap intervals."
    told = [rows]
    if champion is None:
        others = [model for model in found.models if model.role == "baseline"]
        why = found.champion_problem or (
            "nothing serves yet" if release is None else "the run was told to compare with none"
        )
        told.append(f"There is no champion to compare with: {why}. The baselines stand in for it.")
    else:
        others = [champion]
        if found.excluded:
            told.append(
                f"{found.excluded:,} rows that the champion had trained on are left out of its "
                "column and of the difference."
            )
    return [*told, _metrics_table(candidate, others, found.comparisons)]


def _metrics_table(
    candidate: ModelResult, others: list[ModelResult], comparisons: list[Comparison]
) -> str:
    paired = {(one.other, one.metric): one.difference for one in comparisons}
    header = ["metric", "candidate"]
    for other in others:
        header += [other.name.replace("_", " "), "difference (positive is better)"]
    rows = []
    for name in candidate.metrics:
        row = [metric_name(name), _estimate(candidate, name)]
        for other in others:
            row += [_estimate(other, name), _gap(paired.get((other.name, name)))]
        rows.append(row)
    return table(header, rows)


def _gap(found: Estimate | None) -> str:
    if found is None:
        return ""
    return f"{difference(found.value)} ({difference(found.low)} to {difference(found.high)})"


def _estimate(model: ModelResult, name: str) -> str:
    found = model.metrics.get(name)
    return estimate_text(found) if found else ""


def as_of_text(lineage: Lineage) -> str:
    """Return up to when the data of a bundle was known."""
    return lineage.as_of[:19].replace("T", " ")


def _origin(facts: CandidateFacts) -> str:
    lineage = facts.card.lineage
    signals = {"manual": "a person", "schedule": "the schedule"}
    rows = [
        ["snapshot", f"`{lineage.snapshot}`"],
        ["data", f"{facts.window or 'all records'}, as of {as_of_text(lineage)}"],
        ["champion compared with", f"`{lineage.champion}`" if lineage.champion else "none"],
        ["feature views", ", ".join(lineage.feature_views)],
        ["code revision", f"`{lineage.code_revision}`"],
        ["asked for by", signals.get(lineage.signal, lineage.signal)],
        *([["run", f"`{facts.run}`"]] if facts.run else []),
        ["bundle", f"`sha256:{facts.arm.digest}`"],
        ["address", f"`{facts.uri}`"],
    ]
    return table(["what", "which"], rows)


def _steps(facts: CandidateFacts, release: Release | None, site: Site) -> list[str]:
    if release is None:
        return first_release_steps(facts.workload, facts.arm.name, site.hostname(facts.workload))
    return canary_steps(facts.arm, release, facts.rollout, facts.serving)


def _review(facts: CandidateFacts, release: Release | None) -> list[str]:
    """Return what a reviewer looks at: what is particular about this candidate comes first."""
    points = []
    unsure = [one for one in facts.verdict.results if one.outcome == "not applicable"]
    if unsure:
        names = ", ".join(with_metric_names(one.gate) for one in unsure)
        points.append(f"Gates that could not be checked: {names}.")
    worse = [
        metric_name(one.metric)
        for one in facts.evaluation.comparisons
        if one.other == "champion" and one.difference.high < 0
    ]
    if worse:
        points.append(f"Surely worse than the champion in: {', '.join(worse)}.")
    if facts.arm.score_distance is not None:
        margin = facts.rollout.analysis.tolerance.scores
        points.append(
            f"On the held-out rows its scores lie {facts.arm.score_distance:.3f} from the "
            "champion's (total variation distance, 0 to 1). On trial, more than "
            f"{facts.arm.score_distance + margin:.3f} is held for a person."
        )
    if release is not None and facts.serving != release.serving:
        points.append("`serving` in `rollout.yaml` and the arm's arguments change.")
    if release is not None and facts.rollout != release.rollout:
        points.append("`rollout` in `rollout.yaml` changes: how this candidate is judged.")
    weight = 100 if release is None else 0
    points.append(
        f"The files: the new arm's, with the digest above; both routes, with weight {weight} for "
        "it; the rollout."
    )
    return points


def _undo(facts: CandidateFacts, release: Release | None) -> str:
    close = (
        "Close this pull request to refuse it: this bundle is then not proposed again, unless a "
        "person does so by `millrace pr again`."
    )
    if release is None:
        return (
            f"{close} Once it is merged, the next candidate goes on trial beside it, and "
            f"`millrace rollback {facts.workload} --to VERSION` brings back any version that is "
            "registered."
        )
    return (
        f"{close} Once it is merged: `millrace rollback {facts.workload}` takes its traffic away "
        "while it is on trial, and brings back what served before once it was promoted."
    )
