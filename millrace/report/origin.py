"""What the run was made from and what it made: digests, times, addresses, the training set."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from millrace.dataset.manifest import PARTS, REQUEST, DatasetManifest
from millrace.report import text
from millrace.runs.summary import RunSummary

Kind = Literal["digest", "text", "code"]
_DIGEST = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Fact:
    """One named value, and how it is set."""

    name: str
    value: str
    kind: Kind = "text"


@dataclass(frozen=True)
class PartRow:
    """One part of the training set."""

    name: str
    rows: str
    positives: str
    rate: str


@dataclass(frozen=True)
class StateTable:
    """A list of records, each a row."""

    name: str
    columns: list[str]
    rows: list[list[Fact]]


@dataclass(frozen=True)
class TrainingSet:
    """What the section on the training set shows."""

    parts: list[PartRow]
    sentence: str
    views: list[tuple[Fact, list[tuple[str, str]]]]
    """Feature views, and what requests bring, with their features: name and kind."""
    state: list[Fact]
    """The feature store's state: its single values, by key."""
    tables: list[StateTable]
    """The feature store's state: its lists of records, such as one of feature views."""


def lineage(summary: RunSummary) -> list[Fact]:
    """Return what is known of the run's origin and of its outcome."""
    facts = [*_source(summary), *_inputs(summary), *_results(summary)]
    return [fact for fact in facts if fact.value]


def training_set(summary: RunSummary) -> TrainingSet | None:
    """Return the parts of the training set and its features; None if there is neither."""
    dataset = summary.dataset
    state = summary.features or {}
    if dataset is None and not state:
        return None
    return TrainingSet(
        parts=_parts(dataset) if dataset else [],
        sentence=_split(dataset) if dataset else "",
        views=_views(dataset) if dataset else [],
        state=[_fact(key, value) for key, value in state.items() if not _is_table(value)],
        tables=[_table(key, value) for key, value in state.items() if _is_table(value)],
    )


def _source(summary: RunSummary) -> list[Fact]:
    if summary.snapshot is None:
        return []
    manifest = summary.snapshot.manifest
    difference = summary.snapshot.difference
    return [
        Fact("Source", manifest.source, "code"),
        Fact("Time window", manifest.period(text.when)),
        Fact("Rows", text.count(manifest.rows)),
        Fact("Snapshot", manifest.digest, "digest"),
        Fact("Seen before", "" if summary.snapshot.is_new else "yes, by the run before"),
        Fact("As of", text.when(summary.snapshot.as_of)),
        Fact("Since the last look as of then", difference.told if difference else ""),
        Fact("Snapshot before", summary.snapshot.previous or "", "digest"),
    ]


def _inputs(summary: RunSummary) -> list[Fact]:
    line = summary.lineage
    champion = summary.evaluation.model("champion") if summary.evaluation else None
    dataset = line.dataset if line else summary.dataset.digest if summary.dataset else ""
    code = summary.code_revision or (line.code_revision if line else "")
    compared = (line.champion if line else None) or (champion.digest if champion else None)
    return [
        Fact("Snapshot", line.snapshot if line and not summary.snapshot else "", "digest"),
        Fact("Training set", dataset, "digest"),
        Fact("Feature views", ", ".join(line.feature_views) if line else "", "code"),
        Fact("Contract", line.contract if line else "", "digest"),
        Fact("Code revision", code, "digest"),
        Fact("Git commit", summary.commit or "", "digest"),
        Fact("Champion compared with", compared or "", "digest"),
    ]


def _results(summary: RunSummary) -> list[Fact]:
    facts = []
    if summary.exported is not None:
        facts.append(Fact("Model", summary.exported.model, "digest"))
    if summary.registration is not None:
        entry = summary.registration
        champion = ", champion" if entry.champion else ""
        facts += [
            Fact("Registry entry", f"{entry.name}, version {entry.version}{champion}"),
            Fact("Bundle", entry.digest, "digest"),
            Fact("Address", entry.uri, "code"),
        ]
    return facts


def _parts(dataset: DatasetManifest) -> list[PartRow]:
    rows = []
    for part in PARTS:
        total, positives = dataset.rows.get(part, 0), dataset.positives.get(part, 0)
        rate = text.percent(positives / total) if total else text.NOTHING
        rows.append(PartRow(part, text.count(total), text.count(positives), rate))
    return rows


def _split(dataset: DatasetManifest) -> str:
    keys = ", ".join(dataset.join_keys)
    if dataset.split.by == "hash":
        return (
            f"Split by a hash of {keys}: an entity stays in its part for ever, so no later run "
            "trains on what this one was tested on."
        )
    until = dataset.split.train_until
    ending = f"; training ends at {text.when(until)}" if until else ""
    return (
        f"Split by time: the newest events are tested on, those before them validated on{ending}."
    )


def _views(dataset: DatasetManifest) -> list[tuple[Fact, list[tuple[str, str]]]]:
    views: dict[str, list[tuple[str, str]]] = {}
    for feature in dataset.features:
        views.setdefault(feature.view, []).append((feature.name, feature.kind))
    return [(_origin(view), features) for view, features in views.items()]


def _origin(view: str) -> Fact:
    if view == REQUEST:
        return Fact("Origin", "brought by the request")
    return Fact("Feature view", view, "code")


def _spoken(key: str) -> str:
    return str(key).replace("_", " ").capitalize()


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _table(key: str, records: list[dict[str, Any]]) -> StateTable:
    keys = list(dict.fromkeys(key for record in records for key in record))
    rows = [[_fact(key, record.get(key, "")) for key in keys] for record in records]
    return StateTable(_spoken(key), [_spoken(key) for key in keys], rows)


def _fact(key: str, value: Any) -> Fact:
    kind: Kind = "digest" if isinstance(value, str) and _DIGEST.fullmatch(value) else "text"
    return Fact(_spoken(key), _plain(value), kind)


def _plain(value: Any) -> str:
    """Return a JSON value as text: counts with thousands apart, lists of names with commas."""
    if isinstance(value, str):
        return text.clip(value, 300)
    if isinstance(value, int) and not isinstance(value, bool):
        return text.count(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return text.clip(", ".join(value), 300)
    return text.clip(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), 300)
