"""A content's digest covers names, types and the multiset of rows, in no order."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.ingest.content import canonical_order, content_digest, row_hashes

TEXT = st.one_of(st.none(), st.text(max_size=6))
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=8)


def table(rows: list[tuple[Any, ...]], names: str = "abc") -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})


@given(rows=ROWS, seed=st.integers(0, 99))
def test_another_order_of_rows_and_columns_is_the_same_content(
    rows: list[tuple[Any, ...]], seed: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert content_digest(table(rows)) == content_digest(table(shuffled).select(["c", "a", "b"]))


@given(one=ROWS, other=ROWS)
def test_other_rows_are_another_content(
    one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]
) -> None:
    same = sorted(one, key=repr) == sorted(other, key=repr)
    assert (content_digest(table(one)) == content_digest(table(other))) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("x", "y", "z")], [("x", "y", "z"), ("x", "y", "z")]),
        ([(None, "y", "z")], [("", "y", "z")]),
        ([(None, "y", "z")], [("-", "y", "z")]),
        ([("x", "1:y", "z")], [("x1:", "y", "z")]),
        ([("ab", "", "z")], [("a", "b", "z")]),
        ([("x", "y", "z")], [("y", "x", "z")]),
    ],
    ids=["copy", "null-and-empty", "null-and-dash", "separator", "border", "swapped"],
)
def test_contents_that_look_alike_differ(one: list[tuple[Any, ...]], other: list[Any]) -> None:
    assert content_digest(table(one)) != content_digest(table(other))


def test_names_and_types_belong_to_the_content() -> None:
    digests = {
        content_digest(pa.table({"a": pa.array(["1"])})),
        content_digest(pa.table({"b": pa.array(["1"])})),
        content_digest(pa.table({"a": pa.array([1])})),
        content_digest(pa.table({"a": pa.array([1], pa.int32())})),
        content_digest(pa.table({"a": pa.array([1.0])})),
        content_digest(pa.table({"a": pa.array([b"1"])})),
    }
    assert len(digests) == 6


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2, None, -(2**63)]),
        pa.array([0.1, np.nan, None, 1e300]),
        pa.array([0.1, 1.0, None], pa.float32()),
        pa.array([True, False, None]),
        pa.array([Decimal("1.10"), None, Decimal("2")]),
        pa.array([date(2024, 1, 1), None, date(1900, 1, 1)]),
        pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        pa.array([1, None], pa.time32("s")),
        pa.array([1, None], pa.duration("us")),
        pa.array([b"\0", b"", None]),
        pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
        pa.array([[1, None], None, []]),
        pa.array([{"x": 1}, None]),
        pa.nulls(1),
    ],
    ids=lambda values: str(values.type),
)
def test_every_type_has_its_spelling(values: pa.Array) -> None:
    batch = pa.RecordBatch.from_arrays([values], names=["a"])
    assert len(np.unique(row_hashes(batch), axis=0)) == len(values)
    backwards = batch.take(pa.array(range(len(values))[::-1]))
    assert content_digest(pa.table(batch)) == content_digest(pa.table(backwards))


def test_a_slice_is_hashed_as_what_it_shows() -> None:
    whole = pa.RecordBatch.from_pydict({"a": ["x", "y", None], "b": [0.5, None, 2.0]})
    assert (row_hashes(whole.slice(1, 2)) == row_hashes(whole)[1:]).all()


def test_all_nan_are_one() -> None:
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)
    assert content_digest(pa.table({"a": [np.nan]})) == content_digest(pa.table({"a": other_nan}))


def test_copies_keep_their_order() -> None:
    hashes = row_hashes(pa.RecordBatch.from_pydict({"a": ["x", "y", "x", "y", "x"]}))
    order = canonical_order(hashes).tolist()
    copies = [order.index(row) for row in (0, 2, 4)]
    assert copies == sorted(copies)
    assert sorted(order) == [0, 1, 2, 3, 4]


def test_the_digest_is_the_same_on_every_machine() -> None:
    """The digest names snapshots in stores that outlive a release: this one may not change."""
    content = table([("x", None, ""), ("ä", "1", "2")])
    assert (
        content_digest(content)
        == "e13a864b6e593d34f296a0e092a01bfa7cf0638d7098ffdb9aa04a793da4471b"
    )


def test_the_type_of_a_column_without_a_value_does_not_count() -> None:
    kinds = [pa.null(), pa.int64(), pa.string()]
    nothing = {content_digest(pa.table({"a": ["x"], "b": pa.nulls(1, kind)})) for kind in kinds}
    assert len(nothing) == 1
    others = [pa.table({"a": ["x"]}), pa.table({"a": ["x"], "c": pa.nulls(1)})]
    assert nothing.isdisjoint(map(content_digest, others))
