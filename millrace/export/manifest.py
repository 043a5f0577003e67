"""An exported model: what lies in its folder."""

from __future__ import annotations

from millrace.dataset.manifest import Feature
from millrace.documents import Document

OUTPUT = "prediction"
"""Name of the graph's one output: float32 [n, 1], the probability of the positive class."""


class ScoreBins(Document):
    """Bins of the predictions, so that two arms' scores can be compared by their counts."""

    edges: list[float]
    """Inner edges in ascending order; k edges make k + 1 bins, each closed on the left."""
    counts: list[int]
    """Test rows in each bin."""


class FeatureReference(Document):
    """What is normal for one feature: how far held-out blocks of rows are from the rest."""

    name: str
    measure: str
    """`ks` for numbers, `total_variation` for categories."""
    usual: float
    """Median distance of a block to the reference."""
    high: float
    """Distance that 95 of 100 blocks stay below."""


class ExportManifest(Document):
    """What stands in `export.json`.

    Beside it lie model.onnx (inputs: each feature under its name, shape [n, 1]; output: OUTPUT),
    reference.parquet (training rows: features and OUTPUT), lookup.json, and parity.parquet
    (one column OUTPUT: what torch answers for each row of test.parquet, in its order).
    """

    model: str
    """Digest of model.onnx."""
    size: int
    """Bytes of model.onnx."""
    opset: int
    inputs: list[Feature]
    bins: ScoreBins
    reference: list[FeatureReference]
