"""What is normal for a feature, and where the bins of the scores lie."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.dataset.manifest import Feature
from millrace.export.reference import (
    BLOCKS,
    SAMPLE,
    block_bounds,
    feature_references,
    sample_of,
    score_bins,
)


@given(st.integers(1, 100_000))
def test_blocks_are_neighbours_that_hold_every_row_once(rows):
    blocks = block_bounds(rows)
    assert [i for start, end in blocks for i in (start, end)][1:-1:2] == [s for s, _ in blocks][1:]
    assert (blocks[0][0], blocks[-1][1]) == (0, rows)
    sizes = [end - start for start, end in blocks]
    assert max(sizes) - min(sizes) <= 1
    assert len(blocks) <= BLOCKS
    assert min(sizes) >= min(rows, 50)


@pytest.mark.parametrize(("rows", "kept"), [(1, 1), (500, 500), (SAMPLE * 3, SAMPLE)])
def test_the_sample_is_even_and_bounded(rows, kept):
    sample = sample_of(pa.table({"x": range(rows)}))["x"].to_pylist()
    assert len(set(sample)) == kept
    assert (sample[0], sample[-1]) == (0, rows - 1)
    assert sample == sorted(sample)


def test_a_reference_tells_the_usual_distance_from_the_high_one():
    rng = np.random.default_rng(0)
    table = pa.table({"x": rng.normal(size=4000).astype(np.float32), "c": ["a", "b"] * 2000})
    late = pa.table({"x": np.full(60, 9, np.float32), "c": ["c"] * 60})
    held_out = pa.concat_tables([table.slice(0, 1940), late])
    features = [
        Feature(name="x", view="v", kind="number"),
        Feature(name="c", view="v", kind="category"),
    ]
    x, c = feature_references(table, held_out, features)
    assert (x.measure, c.measure) == ("ks", "total_variation")
    assert 0 < x.usual < 0.25
    assert c.usual == 0
    assert x.high > 2 * x.usual
    assert 0 < c.high <= 1


def test_bins_hold_a_tenth_each_where_scores_differ():
    bins = score_bins(np.linspace(0, 1, 1000, dtype=np.float32))
    assert len(bins.edges) == 9
    assert bins.counts == [100] * 10


def test_a_score_on_an_edge_belongs_to_the_bin_above():
    bins = score_bins(np.array([0.25] * 8 + [0.5] * 2, np.float32))
    assert bins.edges[0] == 0.25
    assert bins.counts[0] == 0


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60))
def test_whatever_the_scores_edges_ascend_and_counts_add_up(scores):
    bins = score_bins(np.array(scores, np.float32))
    assert all(low < high for low, high in zip(bins.edges, bins.edges[1:], strict=False))
    assert len(bins.counts) == len(bins.edges) + 1
    assert sum(bins.counts) == len(scores)
