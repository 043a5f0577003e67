"""The history says what was seen when, what is usual, and whether a content is new."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from millrace.errors import StoreError
from millrace.ingest import Snapshot, ingest, mark_accepted
from millrace.storage import Store
from millrace.workload import Workload

Written = Callable[..., Workload]
DAY = timedelta(days=1)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def take(csv_workload: Written, store: Store) -> Callable[..., Snapshot]:
    """Return a function that takes a snapshot of so many records, which keep the contract."""

    def taken(rows: int, as_of: datetime | None = None, *, accepted: bool = True) -> Snapshot:
        workload = csv_workload("id,x\n" + "".join(f"{n},{rows}\n" for n in range(rows)))
        snapshot = ingest(workload, store, as_of=as_of)
        if accepted:
            mark_accepted(workload, store, snapshot.manifest.digest)
        return snapshot

    return taken


Take = Callable[..., Snapshot]


def test_the_first_snapshot_has_nothing_before_it(take: Take, store: Store) -> None:
    snapshot = take(3, FIRST)
    assert (snapshot.as_of, snapshot.is_new) == (FIRST, True)
    assert (snapshot.previous, snapshot.usual_rows) == (None, None)
    assert store.names("snapshots/sample/history") == [
        f"20240101T000000.000000Z-0000-{snapshot.manifest.digest[:12]}.json"
    ]


def test_the_same_content_keeps_the_time_it_was_first_seen_at(take: Take, store: Store) -> None:
    first, second = take(3, FIRST), take(3, FIRST + DAY)
    assert second == first.model_copy(update={"is_new": False})
    assert len(store.names("snapshots/sample/history")) == 1


def test_a_content_that_comes_back_is_new_again(take: Take) -> None:
    one, other, again = take(3, FIRST), take(4, FIRST + DAY), take(3, FIRST + 2 * DAY)
    assert again.is_new
    assert again.key == one.key
    assert again.previous == other.manifest.digest
    assert other.previous == one.manifest.digest


def test_usual_is_the_median_of_the_ten_before(take: Take) -> None:
    for number, rows in enumerate([1000, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]):
        last = take(rows, FIRST + number * DAY)
    assert last.usual_rows == 6  # of 1000 and 2 to 10: between 6 and 7, to the even
    assert take(99, FIRST + 11 * DAY).usual_rows == 6  # of 2 to 11


def test_now_is_later_than_any_time_seen(take: Take) -> None:
    future = datetime.now(UTC).replace(microsecond=0) + DAY
    take(3, future)
    assert take(4).as_of == future + timedelta(seconds=1)


def test_now_is_now(take: Take) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    assert start <= take(3).as_of <= datetime.now(UTC)


def test_a_time_that_is_given_stands_even_if_it_is_not_the_newest(take: Take) -> None:
    newest = take(3, FIRST + DAY)
    older = take(4, FIRST)
    assert (older.as_of, older.previous) == (FIRST, None)
    same = take(5, FIRST + DAY)
    assert same.as_of == FIRST + DAY
    assert same.previous == newest.manifest.digest


def test_a_content_of_the_newest_moment_is_not_new(take: Take) -> None:
    take(3, FIRST)
    take(4, FIRST)
    assert take(3, FIRST).is_new is False
    assert take(4, FIRST).is_new is False


def test_a_time_without_a_zone_is_in_utc(take: Take) -> None:
    assert take(3, FIRST.replace(tzinfo=None)).as_of == FIRST


def test_a_broken_entry_is_told(take: Take, store: Store) -> None:
    store.write_bytes("snapshots/sample/history/20240101T000000.000000Z-x.json", b"{}")
    with pytest.raises(StoreError, match=r"-x\.json: is no entry .*delete the file"):
        take(3)


def test_with_a_clock_the_same_content_is_asked_for_as_of_now(
    csv_workload: Written, store: Store
) -> None:
    content = "id,at\na,2024-01-01\n"
    workload = csv_workload(content, time="at")
    first, second = (ingest(workload, store, as_of=FIRST + n * DAY) for n in (0, 1))
    assert (second.as_of, second.is_new) == (FIRST + DAY, False)
    assert second.key == first.key


def test_batches_that_were_rejected_never_become_what_is_usual(take: Take) -> None:
    good = take(1000, FIRST)
    for number in range(1, 6):
        short = take(500 + number, FIRST + number * DAY, accepted=False)
        assert short.usual_rows == 1000
        assert short.previous == good.manifest.digest


def test_windows_of_another_length_are_not_what_is_usual(
    csv_workload: Written, store: Store
) -> None:
    rows = "".join(f"{n},2024-01-{1 + n % 28:02}\n" for n in range(280))
    workload = csv_workload(f"id,at\n{rows}", time="at")

    def taken(start: datetime, days: int) -> Snapshot:
        snapshot = ingest(workload, store, window=(start, start + days * DAY))
        mark_accepted(workload, store, snapshot.manifest.digest)
        return snapshot

    taken(FIRST, 7)
    assert taken(FIRST, 14).usual_rows is None
    assert taken(FIRST + 7 * DAY, 7).usual_rows == 70
