"""A source that is looked at again as of the same time: what has changed is counted and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from timed_sources import DAY, HOUR, START, Row, declared, event, write

from millrace.ingest import Snapshot, ingest
from millrace.ingest.history import difference_of, recall
from millrace.storage import Store

AS_OF = START + 5 * DAY
AT = START + 2 * DAY
PENDING = event("p", AT, None)
FIRST = [event("a", AT, AT + HOUR), event("b", AT + HOUR, AT + DAY, 30), PENDING]
Look = Callable[..., Snapshot]


@pytest.fixture(params=["csv", "parquet", "sql"])
def look(request: pytest.FixtureRequest, tmp_path: Path, store: Store) -> Look:
    """Return a function that writes the source anew and takes a snapshot as of one time."""

    def taken(rows: list[Row], *, unique: bool = True, days: int = 0) -> Snapshot:
        workload = declared(tmp_path / "workload", request.param, unique=unique)
        return ingest(write(workload, rows), store, as_of=AS_OF + days * DAY)

    return taken


def counts(snapshot: Snapshot) -> tuple[int, int, int, int]:
    """Return how many records were added, are gone, became known and were corrected."""
    found = snapshot.difference
    assert found is not None
    return found.added, found.gone, found.became_known, found.corrected


def test_the_first_look_has_nothing_to_differ_from(look: Look) -> None:
    assert look(FIRST).difference is None
    assert look([*FIRST, event("n", AT, AT)], days=1).difference is None, "another time"


@pytest.mark.parametrize("unique", [True, False])
def test_a_record_that_came_late_is_added(look: Look, unique: bool) -> None:
    first = look(FIRST, unique=unique)
    later = look([*FIRST, event("late", AT, AT + HOUR)], unique=unique)
    assert counts(later) == (1, 0, 0, 0)
    assert later.difference is not None
    assert later.difference.earlier == first.manifest.digest


@pytest.mark.parametrize("unique", [True, False])
def test_a_record_that_was_taken_back_is_gone(look: Look, unique: bool) -> None:
    look(FIRST, unique=unique)
    assert counts(look(FIRST[1:], unique=unique)) == (0, 1, 0, 0)


@pytest.mark.parametrize("unique", [True, False])
def test_an_outcome_that_arrived_late_became_known(look: Look, unique: bool) -> None:
    look(FIRST, unique=unique)
    told = event("p", AT, AT + HOUR)
    assert counts(look([*FIRST[:2], told], unique=unique)) == (0, 0, 1, 0)


@pytest.mark.parametrize("unique", [True, False])
def test_an_outcome_that_changed_was_corrected(look: Look, unique: bool) -> None:
    look(FIRST, unique=unique)
    wrong = event("a", AT, AT + HOUR, 90)
    assert counts(look([wrong, *FIRST[1:]], unique=unique)) == (0, 0, 0, 1)


def test_a_record_that_moved_is_the_same_one_only_if_something_says_so(look: Look) -> None:
    moved = FIRST[0] | {"at": AT + HOUR / 2}
    look(FIRST)
    assert counts(look([moved, *FIRST[1:]])) == (0, 0, 0, 1)
    look(FIRST, unique=False, days=1)
    assert counts(look([moved, *FIRST[1:]], unique=False, days=1)) == (1, 1, 0, 0)


def test_a_copy_that_came_and_went_is_counted(look: Look) -> None:
    look(FIRST, unique=False)
    assert counts(look([*FIRST, FIRST[0]], unique=False)) == (1, 0, 0, 0)
    assert counts(look(FIRST, unique=False)) == (0, 1, 0, 0)


def test_what_happened_after_the_time_is_no_difference(look: Look) -> None:
    first = look(FIRST)
    future = event("f", AS_OF + HOUR, AS_OF + DAY)
    again = look([*FIRST[:2], event("p", AT, AS_OF + HOUR), future])
    assert (again.manifest.digest, again.is_new) == (first.manifest.digest, False)
    assert again.difference is None


def test_a_run_as_of_now_that_is_done_again_later_lacks_only_the_future(
    tmp_path: Path, store: Store
) -> None:
    future = event("f", datetime.now(UTC) + 400 * DAY, None)
    workload = write(declared(tmp_path / "now", "csv", window="36500d"), [*FIRST, future])
    first = ingest(workload, store)
    again = ingest(workload, store, as_of=first.as_of)
    assert (first.manifest.rows, again.manifest.rows) == (4, 3)
    assert counts(again) == (0, 0, 0, 0)


def test_a_run_on_unchanged_content_keeps_its_difference(look: Look, store: Store) -> None:
    look(FIRST)
    changed = look(FIRST[1:])
    again = look(FIRST[1:])
    assert again.difference == changed.difference
    assert again.is_new is False
    assert len(recall(store, "snapshots/events/history")) == 2


def test_each_look_is_compared_with_the_one_before_it(
    look: Look, store: Store, tmp_path: Path
) -> None:
    """Whatever their digests: not with the first, nor with that of the greatest digest."""
    seen = [FIRST]
    for number in range(4):
        seen.append([*seen[-1], event(f"n{number}", AT, AT + number * HOUR)])
    snapshots = [look(rows) for rows in [*seen, *seen[-2::-1]]]
    for before, now in pairwise(snapshots):
        assert now.difference is not None
        assert now.difference.earlier == before.manifest.digest
    assert [counts(s)[:2] for s in snapshots[1:]] == [(1, 0)] * 4 + [(0, 1)] * 4
    last = snapshots[-1]
    workload = declared(tmp_path / "workload", "csv")
    assert difference_of(workload, store, last.manifest.digest, AS_OF) == last.difference


def test_all_that_changed_at_once_is_told_in_words(look: Look) -> None:
    assert look(FIRST).told == "3 records, new"
    told = "records: 1 added, 1 gone, 1 with an outcome that has become known, 1 corrected"
    now = [event("a", AT, AT + HOUR, 7), event("p", AT, AT + HOUR), event("n", AT, AT)]
    snapshot = look(now)
    assert snapshot.told == f"3 records, new; changed since the last look as of then: {told}"
    assert counts(snapshot) == (1, 1, 1, 1)
    assert snapshot.difference is not None
    assert snapshot.difference.told == told
