"""What is the same record in two looks, where values are missing, not numbers, or nested."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from timed_sources import START, declared

from millrace.ingest.difference import difference

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=12)


def test_a_value_that_is_no_number_is_the_same_in_both(tmp_path: Path) -> None:
    spec = declared(tmp_path, "parquet", unique=False).spec
    before = pa.table({"id": [float("nan")], "known": pa.array([None], pa.string())})
    now = pa.table({"id": [float("nan")], "known": ["2024-01-01"]})
    assert difference("e", before, now, spec, START).became_known == 1


def test_columns_that_hold_lists_are_compared_too(tmp_path: Path) -> None:
    spec = declared(tmp_path, "parquet", unique=False).spec
    before, now = (pa.table({"id": ["a"], "tags": [tags]}) for tags in ([1], [1, 2]))
    found = difference("e", before, now, spec, START)
    assert (found.added, found.gone) == (1, 1)


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS)
def test_counts_add_up_to_what_there_is(before: list[Any], now: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spec = declared(Path(folder), "parquet", unique=False).spec
    old, new = ([f"{name}{value}" for name, value in rows] for rows in (before, now))
    found = difference("e", _table(before), _table(now), spec, START)
    assert len(new) - len(old) == found.added - found.gone
    kept = sum(min(old.count(row), new.count(row)) for row in set(old))
    assert found.added + found.became_known + found.corrected == len(new) - kept
    assert found.gone + found.became_known + found.corrected == len(old) - kept


def _table(rows: list[tuple[str, int]]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([name for name, _ in rows], pa.string()),
            "delay": pa.array([value for _, value in rows], pa.int64()),
        }
    )
