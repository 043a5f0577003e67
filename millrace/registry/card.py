"""A bundle's card and manifest: its identity, its history and what lies in it."""

from __future__ import annotations

from millrace.dataset.manifest import Feature, SplitRule
from millrace.documents import Document
from millrace.evaluation.result import Estimate
from millrace.export.manifest import FeatureReference, ScoreBins
from millrace.gates.verdict import GateResult
from millrace.ingest.snapshot import Difference


class Lineage(Document):
    """What a bundle was made from."""

    snapshot: str
    """Digest of the snapshot."""
    as_of: str
    """As-of time of the snapshot, ISO 8601."""
    dataset: str
    """Digest of the training set."""
    feature_views: list[str]
    contract: str
    """Digest of the contract."""
    code_revision: str
    """Digest of the platform's and the workload's code."""
    champion: str | None = None
    """Digest of the bundle it was compared with."""
    signal: str
    """What asked for the run: `manual`, `schedule`, `drift` or `performance`."""
    difference: Difference | None = None
    """What had changed in the source since the last look as of the same time."""


class Card(Document):
    """What stands in a bundle's `card.json`."""

    workload: str
    model: str
    """Digest of model.onnx."""
    lineage: Lineage
    split: SplitRule
    join_keys: list[str]
    inputs: list[Feature]
    positive: str
    training: dict[str, object]
    """The training section of the specification."""
    metrics: dict[str, Estimate]
    gates: list[GateResult]
    bins: ScoreBins
    """Bins of this model's own scores."""
    comparison_bins: ScoreBins | None = None
    """The bins that the champion counts its scores in, with this model's counts.

    The predictor counts in these if there are any, else in its own: so every arm of a line of
    champions counts in the same bins.
    """
    score_distance: float | None = None
    """Total variation distance of this model's scores to the champion's, in those bins."""
    reference: list[FeatureReference]

    @property
    def counting_bins(self) -> ScoreBins:
        """Return the bins that the predictor counts this model's scores in."""
        return self.comparison_bins or self.bins


class BundleManifest(Document):
    """What stands in a bundle's `manifest.json`; its digest names the bundle."""

    workload: str
    files: dict[str, str]
    """Digest of each other file: model.onnx, card.json, reference.parquet, lookup.json."""
