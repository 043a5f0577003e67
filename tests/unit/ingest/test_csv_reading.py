"""A CSV file is taken whole, with the line of each record, or not at all."""

from collections.abc import Callable

import pytest

from millrace.errors import SourceError, WorkloadError
from millrace.ingest import csv_file, csv_text, ingest
from millrace.ingest.csv_file import CsvReader
from millrace.storage import Store
from millrace.workload import Workload

Written = Callable[..., Workload]
Row = tuple[int, tuple[str | None, ...]]


def read(workload: Workload) -> list[Row]:
    """Return each record with its line."""
    return [
        (line, tuple(row.values()))
        for chunk in CsvReader(workload, None).chunks()
        for line, row in zip(chunk.positions.to_pylist(), chunk.records.to_pylist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,x\n2,y\n", [(2, ("1", "x")), (3, ("2", "y"))]),
        ("a,b\r\n1,x\r\n2,y", [(2, ("1", "x")), (3, ("2", "y"))]),
        ("\ufeffa,b\n1,x\n", [(2, ("1", "x"))]),
        ("a,b\n\n1,x\n\n\n2,y\n\n", [(3, ("1", "x")), (6, ("2", "y"))]),
        ("\n\na,b\n1,x\n", [(4, ("1", "x"))]),
        ('a,b\n"1\n2","x,y"\n3,"say ""hi"""\n', [(2, ("1\n2", "x,y")), (4, ("3", 'say "hi"'))]),
        ('a,b\n"1\r\n2",x\n3,y\n', [(2, ("1\r\n2", "x")), (4, ("3", "y"))]),
        ('a,b\n,x\n"",y\n', [(2, (None, "x")), (3, (None, "y"))]),
        ("a\n1\n\n2\n", [(2, ("1",)), (3, (None,)), (4, ("2",))]),
        ("a,b\n 1 ,NA\n", [(2, (" 1 ", "NA"))]),
        ("ä,b\nö,\u2028\n", [(2, ("ö", "\u2028"))]),
    ],
    ids=[
        "lines",
        "crlf-and-no-last-line-end",
        "byte-order-mark",
        "blank-lines",
        "blank-lines-before-the-header",
        "quoted",
        "quoted-crlf",
        "empty-is-null",
        "blank-lines-of-one-column",
        "white-space-stays",
        "not-ascii",
    ],
)
def test_records_are_read_with_the_line_they_start_in(
    csv_workload: Written, content: str, rows: list[Row]
) -> None:
    assert read(csv_workload(content)) == rows


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", None, ["the file is empty"]),
        (b"\n\n", None, ["the file is empty"]),
        (b"\xef\xbb\xbf", None, ["the file is empty"]),
        (b"a,b\n", None, ["a header and no records"]),
        (b"a,b\n1,x\n2\n", 3, ["found 1 fields", "expected 2 fields", "cut off"]),
        (b"a,b\n1,x,y\n", 2, ["found 3 fields", "expected 2 fields", "quote"]),
        (b"a,b\n1,x\n  \n", 3, ["found 1 fields"]),
        (b'a,b\n1,"x\n2,y\n', 2, ["never closed", "cut off"]),
        (b'a,b\n1,"x"y\n', 2, ["RFC 4180"]),
        (b'a,b\n1,x"y\n', 2, ["a quote stands inside a field"]),
        (b'a,b\n1, "x"\n', 2, ["a quote stands inside a field"]),
        (b"a,b\n1,x\ry\n", 2, ["carriage return"]),
        (b"a,b\n1,x\r\r\n", 2, ["carriage return"]),
        (b"a,b\n1,x\r\r", 2, ["carriage return"]),
        (b"a,b\n1,\xe4\n", 2, ["UTF-8", "byte 0xe4 at offset 6", "iconv"]),
        (b"a,b\n1,x\n2,\xff\n", 3, ["byte 0xff at offset 10"]),
        ("a,b\n1,x\n".encode("utf-16"), 1, ["byte 0xff at offset 0"]),
        (b"a,b\n1,\0\n", 2, ["a NUL byte at offset 6"]),
        (b"a,b,a\n1,x,2\n", 1, ["'a' stands there twice", "columns 1 and 3"]),
        (b"a,,b\n1,x,2\n", 1, ["column 2 has no name"]),
        (b"a,__reasons__\n1,x\n", 1, ["reserved"]),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", 2, ["longer than 131072 characters"]),
    ],
)
def test_a_broken_file_is_rejected_whole_with_its_line(
    csv_workload: Written, store: Store, content: bytes, line: int | None, words: list[str]
) -> None:
    workload = csv_workload(content)
    with pytest.raises(SourceError) as raised:
        ingest(workload, store)
    message = str(raised.value)
    assert raised.value.where == f"{workload.folder}/data.csv" + (f":{line}" if line else "")
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert store.names("snapshots/sample") == []


def test_a_file_that_is_missing_is_told_with_what_to_do(csv_workload: Written) -> None:
    workload = csv_workload("a\n1\n")
    (workload.folder / "data.csv").unlink()
    with pytest.raises(SourceError, match=r"data\.csv: the file is missing; .*spec\.source\.path"):
        read(workload)


def test_a_folder_is_no_csv_file(csv_workload: Written) -> None:
    workload = csv_workload("a\n1\n")
    (workload.folder / "data.csv").unlink()
    (workload.folder / "data.csv").mkdir()
    with pytest.raises(SourceError, match="Is a directory"):
        read(workload)


def test_a_line_without_an_end_does_not_fill_the_memory(
    csv_workload: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "LONGEST_LINE", 1000)
    with pytest.raises(SourceError, match="a line is longer than 1000 bytes"):
        read(csv_workload("a,b\n" + "1," * 2000))


def test_many_records_come_in_chunks(
    csv_workload: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "CHUNK_ROWS", 10)
    workload = csv_workload("a,b\n" + "".join(f"{n},x\n" for n in range(25)))
    chunks = list(CsvReader(workload, None).chunks())
    assert [chunk.records.num_rows for chunk in chunks] == [10, 10, 5]
    assert read(workload)[-1] == (26, ("24", "x"))


def test_wide_records_come_in_smaller_chunks(
    csv_workload: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "CHUNK_BYTES", 100)
    workload = csv_workload("a,b\n" + f"1,{'x' * 60}\n" * 5)
    assert [c.records.num_rows for c in CsvReader(workload, None).chunks()] == [2, 2, 1]


def test_another_delimiter_can_be_declared(declare: Written) -> None:
    workload = declare({"kind": "csv", "path": "data.csv", "delimiter": ";"})
    (workload.folder / "data.csv").write_text('a;b\n1,5;"x;y"\n')
    assert read(workload) == [(2, ("1,5", "x;y"))]


def test_a_quote_is_no_delimiter(declare: Written) -> None:
    workload = declare({"kind": "csv", "path": "data.csv", "delimiter": '"'})
    with pytest.raises(WorkloadError, match="delimiter"):
        CsvReader(workload, None)


def test_the_fingerprint_changes_with_the_bytes(csv_workload: Written) -> None:
    prints = []
    for content in ("a\n1\n", "a\n1\n", "a\n1\r\n"):
        reader = CsvReader(csv_workload(content), None)
        list(reader.chunks())
        prints.append(reader.fingerprint())
    assert prints[0] == prints[1] != prints[2]
