"""Whatever bytes stand in a CSV file: it is rejected whole, or every record of it is taken."""

import csv
import io
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from millrace.errors import SourceError
from millrace.ingest import csv_file, ingest, read_snapshot
from millrace.ingest.csv_text import CsvText
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.workload import Workload

LIKE_CSV = st.lists(
    st.sampled_from(
        [b"a", b"b", b"1", b",", b",", b'"', b"\n", b"\n", b"\r\n", b"\r", b" ", b"\xff"]
    ),
    max_size=40,
).map(b"".join)


def counted(content: bytes) -> list[list[str]]:
    """Return what Python's csv module makes of a file that is read as it is."""
    text = content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    width = len(next(filter(None, rows)))
    header = rows.index(next(filter(None, rows)))
    return [row or [""] for row in rows[header + 1 :] if row or width == 1]


def taken(content: bytes, template: Workload) -> list[tuple[str | None, ...]] | None:
    """Return the records of the snapshot, or None if the file was rejected and nothing is left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workload = Workload("sample", folder, {}, template.spec)
        (folder / "data.csv").write_bytes(content)
        store = open_store(Settings(home=folder / "home"))
        try:
            snapshot = ingest(workload, store)
        except SourceError as error:
            assert "\n" not in str(error)
            assert store.names("snapshots") == []
            return None
        _, records, origin = read_snapshot(store.fetch(snapshot.key, folder))
        assert len(set(origin.column("position").to_pylist())) == origin.num_rows
        return [tuple(row.values()) for row in records.to_pylist()]


@settings(max_examples=150, deadline=None)
@given(content=st.one_of(LIKE_CSV, st.binary(max_size=60)))
@example(content=b'a\n"\n"\n')
@example(content=b"a\r1\n")
@example(content=b"a\n\r\r")
@example(content=b"\xef\xbb\xbfa,b\n\n1,\n")
def test_any_bytes_are_rejected_whole_or_taken_whole(content: bytes, shared: Workload) -> None:
    records = taken(content, shared)
    if records is not None:
        expected = [tuple(field or None for field in row) for row in counted(content)]
        assert sorted(records, key=repr) == sorted(expected, key=repr)


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.tuples(*[FIELD] * width), min_size=1, max_size=8)
    ),
    style=st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]),
)
def test_whatever_was_written_as_csv_is_read_back(
    rows: list[tuple[str, ...]], style: tuple[str, int]
) -> None:
    end, quoting = style
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end, quoting=quoting).writerows(rows)
    content = file.getvalue().encode()
    if content.startswith(b"\xef\xbb\xbf"):
        content = b"\xef\xbb\xbf" + content
    text = CsvText(io.BytesIO(content), Path("data.csv"), ",")
    assert [tuple(fields) for _, fields in text.records()] == rows


@settings(max_examples=50, deadline=None)
@given(content=LIKE_CSV, rows=st.integers(1, 3))
def test_it_does_not_matter_how_many_records_are_read_at_a_time(
    content: bytes, rows: int, shared: Workload
) -> None:
    whole = taken(content, shared)
    with patch.object(csv_file, "CHUNK_ROWS", rows):
        assert taken(content, shared) == whole
