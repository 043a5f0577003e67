"""A query is read with the database's types; what does not answer is told in one line."""

import itertools
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from millrace.errors import MillraceError, SourceError, WorkloadError
from millrace.ingest import ingest, read_snapshot, sql_query
from millrace.ingest.sql_query import SqlReader
from millrace.ingest.sql_values import SqlColumn
from millrace.progress import heard
from millrace.storage import Store
from millrace.workload import Workload, load_workload

Declare = Callable[..., Workload]
JANUARY = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))


@pytest.fixture
def query(declare: Declare) -> Declare:
    """Return a function that declares a query against a small SQLite database."""

    def declared(
        text: str = "SELECT * FROM people", url: str = "sqlite:///people.db", **more: Any
    ) -> Workload:
        workload = declare({"kind": "sql", "url": url, "query": text}, **more)
        with sqlite3.connect(workload.folder / "people.db") as database:
            database.executescript(
                "DROP TABLE IF EXISTS people; CREATE TABLE people (id, age, score, seen);"
                "INSERT INTO people VALUES ('a', 30, 1.5, '2024-01-05');"
                "INSERT INTO people VALUES ('b', NULL, 2, '2024-02-05')"
            )
        database.close()
        return workload

    return declared


def rows(workload: Workload, window: Any = None) -> list[dict[str, Any]]:
    chunks = list(SqlReader(workload, window).chunks())
    assert chunks
    return [row for chunk in chunks for row in chunk.records.to_pylist()]


def fault_of(workload: Workload, store: Store) -> MillraceError:
    with pytest.raises(MillraceError) as raised:
        ingest(workload, store)
    assert "\n" not in str(raised.value)
    assert store.names("snapshots/sample") == []
    return raised.value


def test_progress_is_told_by_the_chunk(
    query: Declare, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(query(), store)
    told = [event for line in capsys.readouterr().out.splitlines() if (event := heard(line))]
    assert [one["done"] for one in told if one["event"] == "source_read"] == [2]


def test_a_query_keeps_its_types(query: Declare, store: Store, tmp_path: Path) -> None:
    snapshot = ingest(query(), store)
    manifest, records, origin = read_snapshot(store.fetch(snapshot.key, tmp_path / "fetched"))
    assert manifest.columns == {"id": "string", "age": "int64", "score": "double", "seen": "string"}
    assert sorted(records.column("score").to_pylist()) == [1.5, 2.0]
    assert sorted(origin.column("position").to_pylist()) == [1, 2]
    assert manifest.fingerprint == "rows:2"


def test_the_order_of_a_query_does_not_matter(query: Declare, store: Store) -> None:
    digests = {
        ingest(query(f"SELECT {columns} FROM people ORDER BY id {order}"), store).manifest.digest
        for columns in ("id, age, score", "score, id, age")
        for order in ("ASC", "DESC")
    }
    assert len(digests) == 1


def test_a_column_of_mixed_types_is_text_however_it_is_read(
    query: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "SELECT 1 AS x UNION ALL SELECT 'abc' UNION ALL SELECT 2.5 UNION ALL SELECT NULL"
    for size in (1, 2, 100):
        monkeypatch.setattr(sql_query, "CHUNK_ROWS", size)
        assert [row["x"] for row in rows(query(text))] == ["1", "abc", "2.5", None]


def test_a_query_without_rows_has_its_columns(query: Declare, store: Store) -> None:
    snapshot = ingest(query("SELECT id, age FROM people WHERE age > 99"), store)
    assert snapshot.manifest.rows == 0
    assert snapshot.manifest.columns == {"id": "null", "age": "null"}


def test_a_window_is_bound_to_the_names_in_the_query(query: Declare) -> None:
    workload = query(
        "SELECT * FROM people WHERE seen >= date(:start) AND seen < date(:end)", time="seen"
    )
    assert [row["id"] for row in rows(workload, JANUARY)] == ["a"]


MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 4)]
TIMES = {
    "UTC": [
        *("2026-01-31 23:59:59", "2026-02-01 00:00:00", "2026-02-28 23:59:59.999999"),
        *("2026-03-01 00:00:00", "2026-03-01T00:00:00", "2026-03-01", "2026-03-31T23:59:59"),
        *("2026-04-01 00:00:00", "2026-04-01"),
    ],
    "Europe/Berlin": [
        *("2026-02-01 00:59:59", "2026-02-01 01:00:00", "2026-03-01 00:00:00"),
        *("2026-03-01T00:59:59", "2026-03-01 01:00:00", "2026-04-01 00:00:00"),
        *("2026-04-01T01:59:59", "2026-04-01 02:00:00"),
    ],
    "Pacific/Kiritimati": ["2026-02-01 14:00:00", "2026-03-01T14:00:00", "2026-04-01T13:59:59"],
    "Etc/GMT+12": ["2026-01-31T12:00:00", "2026-02-28 11:59:59", "2026-03-31 11:59:59"],
}


@pytest.mark.parametrize("zone", TIMES)
@pytest.mark.parametrize("shift", [timedelta(), timedelta(hours=12, minutes=30)], ids=str)
def test_adjacent_windows_part_the_rows(
    declare: Declare, store: Store, tmp_path: Path, zone: str, shift: timedelta
) -> None:
    texts = TIMES[zone]
    text = "SELECT * FROM seen WHERE at >= :start AND at < :end"
    workload = declare({"kind": "sql", "url": "sqlite:///seen.db", "query": text}, time="at")
    file = workload.file
    file.write_text(file.read_text().replace("Europe/Berlin", zone))
    workload = load_workload(workload.folder)
    with sqlite3.connect(workload.folder / "seen.db") as database:
        database.execute("CREATE TABLE seen (id, at)")
        database.executemany("INSERT INTO seen VALUES (?, ?)", enumerate(texts))
    database.close()

    moments = [datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)) for at in texts]
    bounds = [month + shift for month in MONTHS]
    taken = []
    for window in itertools.pairwise(bounds):
        snapshot = ingest(workload, store, window=window)
        folder = store.fetch(snapshot.key, tmp_path / "fetched")
        ids = read_snapshot(folder)[1]["id"].to_pylist()
        expected = [n for n, at in enumerate(moments) if window[0] <= at < window[1]]
        assert sorted(ids) == expected
        taken += ids
    assert sorted(taken) == [n for n, at in enumerate(moments) if bounds[0] <= at < bounds[-1]]


def test_bounds_are_text_whatever_libraries_tell_sqlite_of_times(
    query: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Feast has its own registered for the whole process.
    monkeypatch.setitem(sqlite3.adapters, (datetime, sqlite3.PrepareProtocol), datetime.timestamp)
    text = "SELECT id, :start AS start, :end AS stop FROM people WHERE id = 'a'"
    assert rows(query(text, time="seen"), JANUARY) == [
        {"id": "a", "start": "2023-12-31 00:00:00+00:00", "stop": "2024-02-02 00:00:00+00:00"}
    ]


def test_a_window_of_all_times_can_be_bound(query: Declare) -> None:
    text = "SELECT * FROM people WHERE seen >= :start AND seen < :end"
    everything = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert len(rows(query(text, time="seen"), everything)) == 2


def test_a_query_that_names_a_window_needs_one(query: Declare, store: Store) -> None:
    fault = fault_of(query("SELECT * FROM people WHERE seen < :end"), store)
    assert isinstance(fault, WorkloadError)
    assert "the query names :end, which has no value" in str(fault)


def test_a_name_that_is_no_window_is_told(query: Declare) -> None:
    with pytest.raises(WorkloadError, match="names :begin"):
        rows(query("SELECT * FROM people WHERE seen > :begin", time="seen"), JANUARY)


def test_a_missing_table_is_told(query: Declare, store: Store) -> None:
    fault = fault_of(query("SELECT * FROM persons"), store)
    assert isinstance(fault, SourceError)
    assert "no such table: persons" in str(fault)


def test_a_missing_database_is_not_made(query: Declare, store: Store) -> None:
    workload = query(url="sqlite:///peopel.db")
    assert "the database file is missing" in str(fault_of(workload, store))
    assert not (workload.folder / "peopel.db").exists()


def test_a_file_that_is_no_database_is_told(query: Declare, store: Store) -> None:
    workload = query()
    (workload.folder / "people.db").write_text("nothing of the kind, but long enough\n" * 9)
    assert "file is not a database" in str(fault_of(workload, store))


def test_a_database_that_does_not_answer_is_told_after_the_timeout(
    query: Declare, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_TIMEOUT", "0.1")
    workload = query()
    holder = sqlite3.connect(workload.folder / "people.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        fault = fault_of(workload, store)
    finally:
        holder.close()
    assert isinstance(fault, SourceError)
    assert "does not answer as asked: database is locked" in str(fault)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///${NOWHERE_DB}", "environment variable NOWHERE_DB is not set"),
        ("no url", "is no SQLAlchemy URL"),
        ("nosuch://host/db", "nosuch"),
        ("postgresql+nosuch://host/db", "nosuch"),
        ("mysql+pymysql://host/db", "driver pymysql is not installed"),
    ],
)
def test_a_url_that_leads_nowhere_is_told(
    query: Declare, store: Store, url: str, words: str
) -> None:
    assert words in str(fault_of(query(url=url), store))


def test_two_columns_of_one_name_are_told(query: Declare, store: Store) -> None:
    assert "'id' stands there twice" in str(fault_of(query("SELECT id, id FROM people"), store))


def test_a_url_takes_secrets_from_the_environment_and_tells_none(
    query: Declare, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEOPLE_DB", "people")
    assert ingest(query(url="sqlite:///${PEOPLE_DB}.db"), store).manifest.rows == 2
    assert ingest(query(url="sqlite:///${PEOPLE_DB}.db"), store).manifest.source == (
        "sqlite:///${PEOPLE_DB}.db"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://me:${PW}@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p/a?s@s@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me@host/db?password=x", "postgresql://me@host/db"),
        ("${URL}", "${URL}"),
    ],
)
def test_a_password_is_never_told(declare: Declare, url: str, told: str) -> None:
    workload = declare({"kind": "sql", "url": url, "query": "SELECT 1"})
    assert SqlReader(workload, None).source == told


def test_a_drivers_message_does_not_tell_what_came_from_the_environment(
    query: Declare, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEOPLE_DB", "people")
    workload = query("SELECT * FROM people_2", url="sqlite:///${PEOPLE_DB}.db")
    assert "no such table: ***_2" in str(fault_of(workload, store))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2**40], pa.int64()),
        ([1, 2.5, None], pa.float64()),
        ([2**60 + 1, 2.5], pa.string()),
        ([2**70, 1], pa.string()),
        ([True, False, None], pa.bool_()),
        ([True, 2], pa.string()),
        ([Decimal("1.10"), Decimal("22.345")], pa.decimal128(5, 3)),
        ([b"x", None], pa.binary()),
        ([datetime(2024, 1, 1), None], pa.timestamp("us")),
        ([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        ([datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)], pa.string()),
        ([None, None], pa.null()),
        ([], pa.null()),
        ([object], pa.string()),
    ],
    ids=str,
)
def test_a_type_does_not_depend_on_how_a_column_is_cut(values: list[Any], kind: Any) -> None:
    whole, single = SqlColumn(), SqlColumn()
    whole.add(values)
    for value in values:
        single.add([value])
    assert whole.finish().to_pylist() == single.finish().to_pylist()
    assert whole.finish().type == single.finish().type == kind
