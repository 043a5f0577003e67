"""Whatever stands in a source, every record is accepted or in quarantine, in whatever order."""

import random
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from millrace.errors import SourceError

COLUMNS = {
    "id": {"type": "string", "unique": True, "pattern": "[a-c]+"},
    "n": {"type": "integer", "min": -1, "max": 5, "nullable": True},
    "f": {"type": "number"},
    "c": {"type": "category", "in": ["x", "y"]},
    "b": {"type": "boolean", "nullable": True},
    "at": {"type": "timestamp"},
}
VALUES = {
    "id": ["a", "b", "ab", "abc", "bca", "cc", " a", "7", ""],
    "n": ["1", "2", "-1", "9", "", "x", "1.0"],
    "f": ["1.5", "2", "nan", "", "1e3"],
    "c": ["x", "y", "X", "", "x "],
    "b": ["yes", "0", "", "maybe"],
    "at": ["2024-01-01", "2024-05-01T10:00:00Z", "2031-01-01", "soon"],
}
ROWS = st.lists(
    st.tuples(*(st.sampled_from(values) for values in VALUES.values())), min_size=1, max_size=12
)
HEADERS = st.lists(st.sampled_from([*COLUMNS, "ID", "extra"]), min_size=1, max_size=6, unique=True)


def without_positions(report: Any) -> str:
    """Return the report but for lines: which of equal records came first is the source's affair."""
    return re.sub(r"line \d+", "line", report.model_dump_json())


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 9), names=st.one_of(st.just([*COLUMNS]), HEADERS))
def test_the_order_of_a_source_changes_nothing_but_positions(
    make_workload: Callable[..., Any],
    hold_workload: Callable[..., Any],
    rows: list[tuple[str, ...]],
    seed: int,
    names: list[str],
) -> None:
    batches = []
    width = len(names)
    for lines in (rows, random.Random(seed).sample(rows, len(rows))):
        with tempfile.TemporaryDirectory() as folder:
            workload = make_workload(Path(folder) / "workload", COLUMNS)
            content = [",".join(names), *(",".join(line[:width]) for line in lines)]
            (workload.folder / "data.csv").write_text("\n".join(content) + "\n")
            try:
                batch = hold_workload(workload, Path(folder))
            except SourceError:
                assume(False)
            assert batch.report.parsed == sum(bool(line) for line in content[1:]) or width == 1
            batches.append(batch)
    one, other = batches
    assert without_positions(one.report) == without_positions(other.report)
    assert one.accepted.equals(other.accepted)
    raw = [
        name for name in one.quarantine.column_names if name not in ("__position__", "__reasons__")
    ]
    assert one.quarantine.select(raw).equals(other.quarantine.select(raw))


@settings(max_examples=60, deadline=None)
@given(
    content=st.lists(
        st.sampled_from(
            [b"id,n\n", b"n,id\n", b"a,1\n", b"b,\n", b"a,2\r\n", b"1", b",", b'"', b"\n", b"\xff"]
        ),
        max_size=12,
    ).map(b"".join)
)
def test_any_bytes_are_rejected_whole_or_all_accounted_for(
    make_workload: Callable[..., Any], hold_workload: Callable[..., Any], content: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        columns = {name: COLUMNS[name] for name in ("id", "n")}
        workload = make_workload(Path(folder) / "workload", columns)
        (workload.folder / "data.csv").write_bytes(content)
        try:
            batch = hold_workload(workload, Path(folder))
        except SourceError as error:
            assert "\n" not in str(error)
            return
        report = batch.report
        assert report.accepted + report.quarantined == report.parsed > 0
        positions = batch.quarantine["__position__"].to_pylist()
        assert len(set(positions)) == len(positions)
        assert all(reasons for reasons in batch.quarantine["__reasons__"].to_pylist())
