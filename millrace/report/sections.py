"""The parts of the report, in the order in which a reader needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from millrace.report import (
    curves,
    learning,
    metrics,
    opening,
    origin,
    quality,
    scores,
    seasons,
    slices,
    steps,
)
from millrace.runs.summary import RunSummary


@dataclass(frozen=True)
class Section:
    """One part: its id and template's name, its heading, and what the template shows."""

    key: str
    title: str
    data: Any


def sections(summary: RunSummary) -> list[Section]:
    """Return the parts for which the run got far enough."""
    made = [Section(key, title, build(summary)) for key, title, build in _PARTS]
    return [section for section in made if section.data]


def _gates(summary: RunSummary) -> Any:
    if summary.verdict is None or not summary.verdict.results:
        return None
    results = summary.verdict.results
    return {
        "results": opening.gates_in_order(results),
        "sentence": opening.gates_sentence(results),
    }


def _metrics(summary: RunSummary) -> Any:
    return metrics.metrics(summary.evaluation) if summary.evaluation else None


def _curves(summary: RunSummary) -> Any:
    made = curves.curves(summary.evaluation) if summary.evaluation else []
    own = (
        scores.distribution(summary.exported.bins, summary.exported.kind)
        if summary.exported
        else None
    )
    return [*made, own] if own else made


def _training(summary: RunSummary) -> Any:
    facts = learning.facts(summary)
    curve = learning.learning_curve(summary.training) if summary.training else None
    return {"facts": facts, "curve": curve} if facts or curve else None


def _scores(summary: RunSummary) -> Any:
    return scores.shift(summary.evaluation) if summary.evaluation else None


def _slices(summary: RunSummary) -> Any:
    return slices.slices(summary.evaluation.slices) if summary.evaluation else None


def _quality(summary: RunSummary) -> Any:
    return quality.quality(summary.quality, summary) if summary.quality else None


def _drift(summary: RunSummary) -> Any:
    if summary.quality is None or summary.quality.rejected:
        return None
    return {"drift": quality.drift(summary.quality.drift) if summary.quality.drift else None}


def _dataset(summary: RunSummary) -> Any:
    return origin.training_set(summary) if summary.dataset else None


def _features(summary: RunSummary) -> Any:
    """Return what materialization did, if there is no training set to show it with."""
    return None if summary.dataset else origin.training_set(summary)


def _steps(summary: RunSummary) -> Any:
    return steps.steps(summary) if summary.steps else None


def _reproduce(summary: RunSummary) -> Any:
    if not summary.reproduce:
        return None
    return {
        "commands": summary.reproduce,
        "run": summary.run,
        "model": summary.exported.model if summary.exported else "",
    }


_PARTS: list[tuple[str, str, Callable[[RunSummary], Any]]] = [
    ("gates", "Gates", _gates),
    ("metrics", "Metrics", _metrics),
    ("curves", "Curves", _curves),
    ("time", "Over time", seasons.over_time),
    ("training", "Training", _training),
    ("scores", "Scores", _scores),
    ("slices", "Slices", _slices),
    ("quality", "Data quality", _quality),
    ("drift", "Drift", _drift),
    ("dataset", "Training set", _dataset),
    ("features", "Features", _features),
    ("steps", "Steps", _steps),
    ("lineage", "Lineage", origin.lineage),
    ("reproduce", "How to reproduce", _reproduce),
]
