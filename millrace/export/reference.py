"""What is normal: a sample of the training rows, and how far held-out blocks are from it."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millrace.dataset.manifest import Feature
from millrace.distance import kolmogorov_smirnov, total_variation
from millrace.export.manifest import FeatureReference, ScoreBins

SAMPLE = 10_000
"""Rows of the reference, at most."""
BLOCKS = 20
"""Blocks of held-out rows, at most."""
BLOCK_ROWS = 50
"""Rows of a block, at least, where there are so many: fewer say little about a distribution."""


def sample_of(table: pa.Table) -> pa.Table:
    """Return SAMPLE rows, evenly spaced, or all if there are fewer.

    Rows are sorted by time or key, so even spacing takes every period alike, and needs no seed.
    """
    rows = np.linspace(0, len(table) - 1, min(len(table), SAMPLE)).astype(np.int64)
    return table.take(pa.array(rows))


def as_held(table: pa.Table, features: list[Feature]) -> pa.Table:
    """Return the features alone, each in the one type of its kind, without remarks of pandas."""
    types = {"number": pa.float32(), "category": pa.string()}
    columns = {}
    for feature in features:
        column = table[feature.name].cast(types[feature.kind])
        columns[feature.name] = column.fill_null(
            float("nan") if feature.kind == "number" else ""
        ).combine_chunks()
    return pa.table(columns)


def feature_references(
    reference: pa.Table, held_out: pa.Table, features: list[Feature]
) -> list[FeatureReference]:
    """Return for each feature the usual and the high distance of held-out blocks to a reference.

    Args:
        reference: at least one row, see `sample_of`.
        held_out: at least one row, in the order of time where there is one.
        features: the features, columns of both.
    """
    blocks = block_bounds(len(held_out))
    return [_reference(feature, reference, held_out, blocks) for feature in features]


def block_bounds(rows: int) -> list[tuple[int, int]]:
    """Return start and end of each block: neighbouring rows, as equally many as can be."""
    count = max(1, min(BLOCKS, rows // BLOCK_ROWS))
    edges = [rows * i // count for i in range(count + 1)]
    return list(itertools.pairwise(edges))


def score_bins(predictions: npt.NDArray[np.float32]) -> ScoreBins:
    """Return bins at the deciles of predictions, fewer where deciles coincide.

    Args:
        predictions: float32 [n], n > 0.
    """
    deciles = np.quantile(predictions.astype(np.float64), np.arange(1, 10) / 10)
    edges = np.unique(deciles)
    places = np.searchsorted(edges, predictions.astype(np.float64), side="right")
    counts = np.bincount(places, minlength=len(edges) + 1)
    return ScoreBins(edges=edges.tolist(), counts=counts.tolist())


def _reference(
    feature: Feature, reference: pa.Table, held_out: pa.Table, blocks: list[tuple[int, int]]
) -> FeatureReference:
    usual, rows = reference[feature.name], held_out[feature.name]
    if feature.kind == "number":
        normal, values = usual.to_numpy(), rows.to_numpy()
        distances = [kolmogorov_smirnov(values[start:end], normal) for start, end in blocks]
    else:
        known, texts = Counter(usual.to_pylist()), rows.to_pylist()
        distances = [total_variation(Counter(texts[start:end]), known) for start, end in blocks]
    return FeatureReference(
        name=feature.name,
        measure="ks" if feature.kind == "number" else "total_variation",
        usual=float(np.median(distances)),
        high=float(np.quantile(distances, 0.95)),
    )
