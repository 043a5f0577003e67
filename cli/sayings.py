"""What a step says of its progress, as words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "source_read": "{records:,} records read",
    "snapshot_taken": "snapshot of {rows:,} rows kept",
    "values_read": "{done:,} records in {columns} columns read",
    "batch_judged": "{accepted:,} accepted, {quarantined:,} in quarantine",
    "registry_created": "registry made at {where}",
    "records_read": "{rows:,} records read",
    "features_computed": "{rows:,} rows of {view} computed, {new:,} new",
    "features_online": "{rows:,} rows of {view} brought online",
    "labels_known": "{rows:,} records labelled, {left_out:,} left out",
    "labels_in_time": "{left_out:,} labels came after the end of their part",
    "features_joined": "{features} features joined to {rows:,} rows",
    "dataset_written": "{train:,} rows to train on, {validation:,} to validate, {test:,} to test",
    "training_resumed": "resumed after epoch {epoch}",
    "checkpoint_ignored": "a checkpoint is not used: {reason}",
    "epoch_done": "epoch {epoch} of {epochs}, validation loss {validation_loss:.4f}",
    "graph_exported": "graph of {bytes:,} bytes written",
    "model_scored": "{model} scored on {rows:,} rows",
    "champion_not_comparable": "the champion cannot be compared: {reason}",
    "resampled": "{done:,} of {total:,} resamples",
    "bundle_published": "bundle {digest:.12} published",
    "version_created": "version {version} of {name} made",
    "version_found": "found as version {version} of {name}",
    "record_lost": "its record could not be kept: {reason}",
}
_SILENT = ("step_started", "step_done", "step_failed")
"""What the steps' own lines tell already."""


def saying(event: Mapping[str, Any]) -> str:
    """Return an event as a clause for people; '' for one that tells them nothing.

    An event that is not known here, or comes without its fields, is told by its name and fields:
    a workload's code may tell of its own progress.
    """
    name = str(event.get("event", ""))
    if name in _SILENT:
        return ""
    if name in _WORDS:
        try:
            return _WORDS[name].format_map(event)
        except (KeyError, ValueError, TypeError):
            pass
    fields = [f"{_plain(key)} {value}" for key, value in event.items() if key != "event"]
    return ": ".join(part for part in (_plain(name), ", ".join(fields)) if part)


def _plain(name: str) -> str:
    return str(name).replace("_", " ")
