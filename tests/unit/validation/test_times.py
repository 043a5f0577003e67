"""Every mistake in time is told: missing days, days that came twice, clocks that are wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from millrace.ingest.snapshot import BEGINNING

Hold = Callable[..., Any]
ID = {"type": "string"}
AT = {"type": "timestamp"}
KNOWN = {"type": "timestamp", "nullable": True}
NEW_YORK = {"type": "timestamp", "timezone": "America/New_York"}


def hourly(first: datetime, last: datetime, value: str = "x") -> str:
    """Return a line of `id,at,v` for each hour from the first to the last."""
    hours = range((last - first) // timedelta(hours=1) + 1)
    return "".join(f"{n},{(first + n * timedelta(hours=1)).isoformat()},{value}\n" for n in hours)


def may(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 5, day, hour, tzinfo=UTC)


def test_a_missing_day_rejects_the_batch_and_is_told_from_when_to_when(hold: Hold) -> None:
    content = "id,at,v\n" + hourly(may(1), may(2, 23)) + hourly(may(4), may(5))
    batch = hold(content, {"id": ID, "at": AT}, completeness={"gap": "16h"})
    (finding,) = batch.findings("at")
    assert finding.rejects
    assert finding.problem == (
        "there is no event from 2024-05-02T23:00:00+00:00 to 2024-05-04T00:00:00+00:00;"
        " at most 16h without any is allowed"
    )
    assert "spec.contract.completeness.gap" in finding.remedy


@pytest.mark.parametrize(("second", "rejected"), [("16:00:00", False), ("16:00:00.000001", True)])
def test_a_gap_as_long_as_the_limit_is_none(hold: Hold, second: str, rejected: bool) -> None:
    content = f"id,at\na,2024-05-01\nb,2024-05-01T{second}\n"
    batch = hold(content, {"id": ID, "at": AT}, completeness={"gap": "16h"})
    assert batch.report.rejected is rejected


def test_records_in_quarantine_close_no_gap(hold: Hold) -> None:
    columns = {"id": ID, "at": AT, "n": {"type": "integer"}}
    content = "id,at,n\na,2024-05-01,1\nb,2024-05-02,x\nc,2024-05-03,1\nd,,1\ne,2031-01-01,1\n"
    batch = hold(content, columns, completeness={"gap": "1d"})
    (finding,) = (finding for finding in batch.findings("at") if finding.rejects)
    assert "from 2024-05-01T00:00:00+00:00 to 2024-05-03T00:00:00+00:00" in finding.problem


def test_of_many_gaps_the_five_longest_are_told_in_the_order_of_time(hold: Hold) -> None:
    days = [1, 3, 5, 7, 9, 11, 13, 18]
    content = "at\n" + "".join(f"{may(day).isoformat()}\n" for day in days)
    (finding,) = hold(content, {"at": AT}, completeness={"gap": "1d"}).findings("at")
    assert finding.problem.count("from 2024-05-") == 5
    assert finding.problem.startswith("there is no event from 2024-05-01T00:00:00+00:00 to")
    assert "to 2024-05-18T00:00:00+00:00, and 2 times more;" in finding.problem
    assert len(finding.problem) < 400


def test_the_time_from_the_windows_start_to_the_first_event_counts(hold: Hold) -> None:
    content = "id,at,v\n" + hourly(may(2), may(3))
    options = {"completeness": {"gap": "16h"}}
    columns = {"id": ID, "at": AT}
    assert not hold(content, columns, window=(may(1, 12), may(9)), **options).report.rejected
    batch = hold(content, columns, window=(may(1), may(9)), **options)
    (finding,) = batch.findings("at")
    assert "no event from 2024-05-01T00:00:00+00:00 to 2024-05-02T00" in finding.problem


def test_without_any_event_there_is_no_gap_to_tell(hold: Hold) -> None:
    content = "id,at\na,2031-01-01\n"
    assert not hold(content, {"id": ID, "at": AT}, completeness={"gap": "1h"}).report.rejected


def test_a_day_that_came_twice_is_told_in_one_line_of_when_it_was(hold: Hold) -> None:
    content = "id,at,v\n" + hourly(may(1), may(3)) + hourly(may(1), may(1, 23))
    batch = hold(content, {"id": ID, "at": AT}, limits={"quarantined": 0.02})
    assert batch.report.accepted == 49
    (copies,) = batch.findings(None)
    when = "of events from 2024-05-01T00:00:00+00:00 to 2024-05-01T23:00:00+00:00"
    assert copies.problem == f"is a copy of another record, {when}"
    assert (copies.records, len(copies.examples)) == (24, 5)
    assert not batch.report.rejected, "nothing is lost"


def test_a_day_that_came_twice_with_other_values_is_told_by_its_key(hold: Hold) -> None:
    content = "id,at,v\n" + hourly(may(1), may(3)) + hourly(may(1), may(1, 23), "y")
    batch = hold(content, {"id": {**ID, "unique": True}, "at": AT})
    (finding,) = batch.findings("id")
    when = "of events from 2024-05-01T00:00:00+00:00 to 2024-05-01T23:00:00+00:00"
    assert finding.problem == f"is shared by records that differ, {when}"
    assert (finding.records, len(finding.examples)) == (48, 5)
    assert batch.report.accepted == 25
    batch = hold(content, {"id": {**ID, "unique": True}, "at": AT}, limits={"quarantined": 0.02})
    (rejection,) = batch.findings(None)
    assert f"'id' is shared by records that differ (48, {when}, such as" in rejection.problem
    assert len(rejection.problem) < 400


def test_a_local_time_that_was_twice_is_taken_as_the_first_and_told(hold: Hold) -> None:
    times = ["2023-11-05 00:59", "2023-11-05 01:00", "2023-11-05T01:59:59", "2023-11-05 02:00"]
    content = "id,at\n" + "".join(f"{n},{time}\n" for n, time in enumerate(times))
    batch = hold(content, {"id": ID, "at": NEW_YORK})
    (finding,) = batch.findings("at")
    assert finding.problem == (
        "is a local time that the clocks of America/New_York showed twice; the first was taken"
    )
    assert (finding.records, finding.rejects) == (2, False)
    told = ["line 3: '2023-11-05 01:00'", "line 4: '2023-11-05T01:59:59'"]
    assert sorted(finding.examples) == told
    assert "UTC offset" in finding.remedy
    taken = {row["id"]: row["at"] for row in batch.accepted.to_pylist()}
    assert taken["1"] == datetime(2023, 11, 5, 5, tzinfo=UTC)
    assert batch.report.accepted == 4


def test_a_local_time_that_never_was_is_in_quarantine(hold: Hold) -> None:
    times = ["2024-03-10 01:59", "2024-03-10 02:00", "2024-03-10 02:59", "2024-03-10 03:00"]
    content = "id,at\n" + "".join(f"{n},{time}\n" for n, time in enumerate(times))
    batch = hold(content, {"id": ID, "at": NEW_YORK})
    reason = "is a local time that the clocks of America/New_York never showed"
    assert batch.reasons() == {
        3: [("at", reason, "2024-03-10 02:00")],
        4: [("at", reason, "2024-03-10 02:59")],
    }
    (finding,) = batch.findings("at")
    assert "UTC offset" in finding.remedy


def test_local_times_that_never_were_are_no_change_of_type(hold: Hold) -> None:
    batch = hold("id,at\na,2024-03-10 02:30\n", {"id": ID, "at": NEW_YORK})
    assert (batch.report.rejected, batch.report.quarantined) == (False, 1)


def test_times_with_an_offset_are_never_unsure(hold: Hold) -> None:
    times = ["2023-11-05T01:30-04:00", "2023-11-05 01:30 -05:00", "2024-03-10T02:30Z"]
    content = "id,at\n" + "".join(f"{n},{time}\n" for n, time in enumerate(times))
    batch = hold(content, {"id": ID, "at": NEW_YORK})
    assert (batch.report.accepted, batch.report.findings) == (3, [])


def test_a_day_whose_midnight_was_skipped_begins_later_and_is_no_fault(hold: Hold) -> None:
    column = {"type": "timestamp", "timezone": "America/Sao_Paulo"}
    batch = hold("at\n2018-11-04\n", {"at": column})
    assert batch.report.findings == []
    assert batch.accepted.to_pylist() == [{"at": datetime(2018, 11, 4, 3, tzinfo=UTC)}]


def test_a_label_that_is_known_before_its_event_is_in_quarantine(hold: Hold) -> None:
    rows = ["a,2024-05-02,2024-05-01", "b,2024-05-02,2024-05-02", ",2024-05-02,", "d,,2024-05-01"]
    content = "\n".join(["id,at,known", *rows]) + "\n"
    batch = hold(content, {"id": ID, "at": AT, "known": KNOWN})
    reason = "is before 'at': the label is known before the event"
    assert batch.reasons() == {
        2: [("known", reason, "2024-05-01")],
        5: [("at", "is missing", None)],
    }
    (finding,) = batch.findings("known")
    assert finding.problem == reason
    assert "clocks" in finding.remedy


@pytest.mark.parametrize(("contract", "rejected"), [({}, False), ({"freshness": "30d"}, True)])
def test_events_that_end_earlier_than_before_are_told(
    hold: Hold, contract: dict[str, str], rejected: bool
) -> None:
    columns = {"id": ID, "at": AT}
    before = hold("id,at\na,2024-05-20\nb,2024-05-22\nc,2031-01-01\n", columns, **contract)
    batch = hold("id,at\na,2024-05-20\n", columns, previous=before.snapshot, **contract)
    (finding,) = batch.findings("at")
    assert finding.problem == (
        "the newest event is of 2024-05-20T00:00:00+00:00, 2d before that of the"
        " snapshot before, 2024-05-22T00:00:00+00:00"
    )
    assert finding.rejects is rejected
    assert batch.report.accepted == 1
    again = hold("id,at\na,2024-05-22\n", columns, previous=before.snapshot, **contract)
    assert again.report.findings == []


def test_a_run_for_earlier_times_may_have_older_events(hold: Hold) -> None:
    columns = {"id": ID, "at": AT}
    old, new = "id,at\na,2024-05-02\n", "id,at\na,2024-05-22\n"
    before = hold(new, columns, window=(may(15), may(25))).snapshot
    options: dict[str, Any] = {"previous": before, "freshness": "30d"}
    assert hold(old, columns, window=(may(1), may(11)), **options).report.findings == []
    assert hold(old, columns, as_of=may(11), **options).report.findings == []
    batch = hold(old, columns, window=(may(1), may(25)), **options)
    assert [finding.rejects for finding in batch.findings("at")] == [True]


def test_where_a_window_is_open_nothing_is_missing_before_the_first_event(hold: Hold) -> None:
    content = "id,at,v\n" + hourly(may(2), may(3))
    options = {"completeness": {"gap": "16h"}, "window": (BEGINNING, may(9))}
    assert not hold(content, {"id": ID, "at": AT}, **options).report.rejected


def test_how_old_the_newest_event_is_reads_like_the_limit(hold: Hold) -> None:
    as_of = may(2) + timedelta(minutes=1)
    batch = hold("id,at\na,2024-05-01\n", {"id": ID, "at": AT}, freshness="1d", as_of=as_of)
    (finding,) = batch.findings("at")
    assert finding.problem == (
        "the newest event is of 2024-05-01T00:00:00+00:00, 1.001d before the as-of time;"
        " at most 1d is allowed"
    )


def test_an_event_of_long_ago_is_told_too(hold: Hold) -> None:
    batch = hold("id,at\na,1024-06-01\n", {"id": ID, "at": AT}, freshness="1d")
    (finding,) = batch.findings("at")
    assert "365243d before the as-of time" in finding.problem
