"""An exported model: what lies in its folder."""

from __future__ import annotations

from collections.abc import Sequence

from millrace.dataset.manifest import Feature
from millrace.documents import Document
from millrace.workload.target import Kind

OUTPUT = "prediction"
"""Name of the graph's first output, float32 [n, 1].

It is the probability of the positive class, or the mean of a number.
"""
QUANTILES = "quantiles"
"""Name of the output that a graph for a number with quantiles has beside it.

Float32 [n, q], ascending in each row.
"""


class Output(Document):
    """One output of the graph, float32 [n, width]."""

    name: str
    width: int


PREDICTION = Output(name=OUTPUT, width=1)
"""The output that every graph has."""


def outputs_for(quantiles: Sequence[float]) -> list[Output]:
    """Return the outputs of a graph that answers these quantiles beside the prediction."""
    more = [Output(name=QUANTILES, width=len(quantiles))] if quantiles else []
    return [PREDICTION, *more]


def answer_names(quantiles: Sequence[float]) -> list[str]:
    """Return a name for each number that a graph answers for a row, in their order."""
    return [OUTPUT, *(f"quantile {level}" for level in quantiles)]


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

    Beside it lie model.onnx (inputs: each feature under its name, shape [n, 1]; outputs as said
    here), reference.parquet (training rows: features and OUTPUT), lookup.json, and parity.parquet
    (what torch answers for each row of test.parquet, in its order: a column for each of
    `answer_names`).
    """

    model: str
    """Digest of model.onnx."""
    size: int
    """Bytes of model.onnx."""
    opset: int
    inputs: list[Feature]
    kind: Kind = "binary"
    """What is predicted, as `target.kind` of the workload."""
    outputs: list[Output] = [PREDICTION]
    """In their order: OUTPUT, and QUANTILES if there are any."""
    quantiles: list[float] = []
    """Level of each column of QUANTILES, ascending."""
    bins: ScoreBins
    reference: list[FeatureReference]
