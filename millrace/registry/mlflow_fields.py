"""What MLflow is told of a bundle: parameters, metrics and tags, as flat names and values."""

from __future__ import annotations

import math
from collections.abc import Mapping

from millrace.evaluation.result import Estimate, Evaluation
from millrace.gates.verdict import Verdict
from millrace.registry.bundle import Bundle
from millrace.report.text import known_by

_LONGEST_PARAM = 6000
"""MLflow keeps no longer parameter."""


def flat_params(params: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return nested parameters under dotted names, their values as text."""
    flat: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            flat |= flat_params(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(value)[:_LONGEST_PARAM]
    return flat


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return the finite figures of an evaluation; names without a dot are the candidate's metrics.

    The bounds of its intervals end in `.low` and `.high`; other models' metrics and the paired
    differences to them begin with the model's name.
    """
    figures = {
        "evaluation.rows": float(evaluation.rows),
        "model.bytes": float(evaluation.model_size),
        "model.parity": evaluation.parity,
    }
    if evaluation.positives is not None:
        figures["evaluation.positives"] = float(evaluation.positives)
    figures |= {f"latency.{name}": seconds for name, seconds in evaluation.latency.items()}
    for model in evaluation.models:
        prefix = "" if model.role == "candidate" else f"{model.name}."
        for name, estimate in model.metrics.items():
            figures |= _with_interval(prefix + name, estimate)
    for comparison in evaluation.comparisons:
        name = f"{comparison.other}.difference.{comparison.metric}"
        figures |= _with_interval(name, comparison.difference)
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def own_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the candidate's own metrics among those that `flat_metrics` made."""
    return {name: value for name, value in metrics.items() if "." not in name}


def lineage_tags(bundle: Bundle, run: str, commit: str = "") -> dict[str, str]:
    """Return what a bundle was made from, as the tags of its version and of its MLflow run."""
    lineage = bundle.card.lineage
    tags = {
        "digest": bundle.digest,
        "model_digest": bundle.card.model,
        "snapshot": lineage.snapshot,
        "as_of": lineage.as_of,
        "dataset": lineage.dataset,
        "feature_views": ",".join(lineage.feature_views),
        "contract": lineage.contract,
        "code_revision": lineage.code_revision,
        "champion": lineage.champion or "",
        "signal": lineage.signal,
        "run": run,
        "mlflow.source.git.commit": commit,
    }
    return {name: value for name, value in tags.items() if value}


def description(bundle: Bundle, verdict: Verdict) -> str:
    """Return one line that tells people what a version is."""
    known = known_by(bundle.card.metrics)
    told = f"{known}; " if known else ""
    passed = sum(result.outcome == "pass" for result in verdict.results)
    return (
        f"{told}{passed} of {len(verdict.results)} gates passed; "
        f"snapshot {bundle.card.lineage.snapshot[:12]}; bundle {bundle.digest[:12]}"
    )


def _with_interval(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}.low": estimate.low, f"{name}.high": estimate.high}
