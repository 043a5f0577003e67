"""A training set: what lies in its folder, and what its columns mean."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document
from millrace.workload.target import Kind

LABEL = "__label__"
"""Column of the label, float32: 1 for the positive class and else 0, or the number itself."""
EVENT_TIME = "__event_time__"
"""Column of the event time; only in timed workloads."""
SLICE = "__slice__"
"""Prefix of the columns that hold the groups of a slice, as text."""

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
LATE = "late"
"""Beside the parts: rows whose label became known only after their part had ended."""
REQUEST = ""
"""In the place of a feature view: the request brings it."""


class Feature(Document):
    """One input of the model, as the feature store holds it or a request brings it."""

    name: str
    view: str
    """Feature view that it comes from; REQUEST if it comes with the request."""
    kind: Literal["number", "category"]
    """A number is float32 with NaN for missing; a category is text with '' for missing."""


class SplitRule(Document):
    """How rows were divided, so that a later run can tell what this one has trained on."""

    by: Literal["hash", "time"]
    test: float
    """Share of entities, or seconds of the test window."""
    validation: float
    """Share of entities, or seconds of the validation window."""
    train_until: str | None = None
    """By time: the end of the training window, ISO 8601."""
    roll: float | None = None
    """By time: seconds of the periods that the test window is told apart by."""


class Season(Document):
    """What was to be predicted in one period of the training set."""

    start: str
    end: str
    rows: int
    mean_label: float
    """Rate of positives, or mean of the numbers that are predicted."""


class DatasetManifest(Document):
    """What stands in `manifest.json`.

    Beside it lie train.parquet, validation.parquet, test.parquet, late.parquet and lookup.json. The
    rows of the last but one are learnt from by nobody, and count below in no part. Each Parquet
    file holds the join keys, the features under their names, LABEL, a SLICE column for each slice
    and, in timed workloads, EVENT_TIME; rows are sorted by time and join keys.
    """

    digest: str
    """SHA-256 of the rows of all parts and of what their columns mean."""
    join_keys: list[str]
    features: list[Feature]
    kind: Kind = "binary"
    """What the label is, as `target.kind` of the workload."""
    positive: str | None = None
    """The label's positive class, as text; None if the label is a number."""
    slices: list[str]
    split: SplitRule
    rows: dict[Part, int]
    positives: dict[Part, int] | None = None
    """Rows of the positive class; None if the label is a number."""
    seasons: list[Season] = []
    """Periods from the first row to the last; empty without a split by time."""
