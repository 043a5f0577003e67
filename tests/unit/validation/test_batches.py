"""A batch that is broken as a whole is rejected, with what to do; nothing of it is lost."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from millrace.errors import ContractError
from millrace.validation import QualityReport

Hold = Callable[..., Any]
INT = {"type": "integer"}


def rejections(report: QualityReport) -> list[tuple[str | None, str]]:
    return [(finding.column, finding.problem) for finding in report.findings if finding.rejects]


def test_a_sound_batch_has_no_findings(hold: Hold) -> None:
    report = hold("id,n\na,1\nb,2\n", {"id": {"type": "string", "unique": True}, "n": INT}).report
    assert report.findings == []
    report.require_accepted("the batch")


@pytest.mark.parametrize(
    ("header", "now"),
    [("Tenure", "Tenure"), ("ten_ure", "ten_ure"), ("tenures", "tenures"), (" tenure", " tenure")],
)
def test_a_renamed_column_is_told_by_its_name(hold: Hold, header: str, now: str) -> None:
    batch = hold(f"id,{header},y\na,1,5\n", {"id": {"type": "string"}, "tenure": INT})
    finding, extra = (f for f in batch.report.findings if f.column)
    assert finding.rejects
    told = f"the column 'tenure' is missing in line 1 of data.csv; found {now!r}, probably renamed"
    assert finding.problem == told
    assert finding.remedy == (
        f"rename {now!r} back to 'tenure' at the source, or change the contract"
    )
    assert (extra.column, extra.rejects) == ("y", False)
    reason = ("tenure", "is a column that the source has not", None)
    assert batch.reasons() == {2: [reason]}


def test_a_renamed_column_is_told_by_its_values(hold: Hold) -> None:
    columns = {"id": {"type": "string"}, "tenure": INT}
    before = hold("id,tenure\na,10\nb,20\nc,30\n", columns)
    batch = hold("id,months,x\nd,10\ne,20\nf,30\n".replace("0\n", "0,7\n"), columns)
    assert "renamed" not in batch.findings("tenure")[0].problem
    batch = hold("id,months,x\nd,10,7\ne,20,7\nf,30,7\n", columns, previous=before.snapshot)
    assert "found 'months', probably renamed" in batch.findings("tenure")[0].problem


def test_a_missing_column_is_told_with_what_is_there_instead(hold: Hold) -> None:
    extra = ",".join("uvwxyz")
    batch = hold(f"id,{extra}\na,1,1,1,1,1,1\n", {"id": {"type": "string"}, "tenure": INT})
    assert rejections(batch.report) == [
        (
            "tenure",
            "the column 'tenure' (an integer of 64 bits) is missing in line 1 of data.csv; found "
            "'u', 'v', 'w', 'x', 'y' and more, which the contract does not name",
        )
    ]


def test_two_renamed_columns_are_not_taken_for_one(hold: Hold) -> None:
    columns = {"id": {"type": "string"}, "cost_a": INT, "cost_b": INT}
    batch = hold("id,COST_B,COST_A\na,1,2\n", columns)
    assert "'COST_A'" in batch.findings("cost_a")[0].problem
    assert "'COST_B'" in batch.findings("cost_b")[0].problem


def test_one_column_is_not_taken_for_two(hold: Hold) -> None:
    columns = {"id": {"type": "string"}, "cost_a": INT, "cost_b": INT}
    batch = hold("id,cost\na,1\n", columns)
    problems = [batch.findings(name)[0].problem for name in ("cost_a", "cost_b")]
    assert ["renamed" in problem for problem in problems] == [True, False]


def test_a_missing_column_rejects_the_batch_and_no_record_is_accepted(hold: Hold) -> None:
    batch = hold("id,n\na,1\nb,x\n", {"id": {"type": "string"}, "n": INT, "gone": INT})
    told = "the column 'gone' (an integer of 64 bits) is missing in line 1 of data.csv"
    assert rejections(batch.report) == [("gone", told)]
    assert (batch.report.accepted, batch.report.quarantined) == (0, 2)
    with pytest.raises(ContractError, match="here: the batch is rejected: the column 'gone'"):
        batch.report.require_accepted("here")


@pytest.mark.parametrize(("extra", "rejected"), [("report", False), ("reject", True)])
def test_an_extra_column_is_told_and_rejects_if_so_declared(
    hold: Hold, extra: str, rejected: bool
) -> None:
    batch = hold("n,more\n1,x\n", {"n": INT}, extra=extra)
    (finding,) = batch.findings("more")
    assert finding.problem == (
        "line 1 of data.csv has a column 'more' that the contract does not name"
    )
    assert batch.report.rejected is rejected
    assert batch.accepted.to_pylist() == [{"n": 1}]


def test_a_column_whose_type_changed_is_told_once(hold: Hold) -> None:
    lines = "".join(f"{n},{'abc' if n else 1}\n" for n in range(10))
    batch = hold(
        "id,n\n" + lines, {"id": {"type": "string"}, "n": INT}, limits={"quarantined": 0.02}
    )
    assert rejections(batch.report) == [
        (
            "n",
            "the column 'n': expected an integer of 64 bits, found text such as 'abc' in line 8 of "
            "data.csv: the type has changed",
        )
    ]
    assert (batch.report.accepted, batch.report.quarantined) == (1, 9)


def test_a_few_broken_values_are_no_change_of_type(hold: Hold) -> None:
    lines = "".join(f"{n},{'abc' if n < 8 else 1}\n" for n in range(10))
    batch = hold("id,n\n" + lines, {"id": {"type": "string"}, "n": INT})
    assert rejections(batch.report) == []


@pytest.mark.parametrize(
    ("nullable", "accepted", "words"),
    [
        (False, 0, "the column 'n' has no value in any record"),
        (True, 2, "the column 'n' has no value in any record, though single values may be missing"),
    ],
)
def test_a_column_without_any_value_rejects_the_batch(
    hold: Hold, nullable: bool, accepted: int, words: str
) -> None:
    columns = {"id": {"type": "string"}, "n": {"type": "number", "nullable": nullable, "min": 0}}
    batch = hold("id,n\na,\nb, \n", columns, limits={"quarantined": 0.02})
    assert rejections(batch.report) == [("n", words)]
    assert batch.report.accepted == accepted


@pytest.mark.parametrize(("broken", "rejected"), [(2, False), (3, True)])
def test_too_many_records_in_quarantine_reject_the_batch(
    hold: Hold, broken: int, rejected: bool
) -> None:
    lines = "".join(f"{n},{'x' if n < broken else 1}\n" for n in range(100))
    batch = hold(
        "id,n\n" + lines, {"id": {"type": "string"}, "n": INT}, limits={"quarantined": 0.02}
    )
    assert batch.report.rejected is rejected
    assert batch.report.accepted == 100 - broken
    if rejected:
        ((column, problem),) = rejections(batch.report)
        assert column is None
        start = "3 of 100 records (3.0%) are in quarantine, more than 2.0%: 'n' is not an integer "
        assert problem.startswith(start + "of 64 bits (3, such as 'x' in line ")
        assert problem.endswith(" of data.csv)")


def test_broken_records_are_told_beside_a_column_whose_type_changed(hold: Hold) -> None:
    lines = "".join(f"{n if n > 4 else ''},x\n" for n in range(20))
    batch = hold("id,n\n" + lines, {"id": INT, "n": INT}, limits={"quarantined": 0.02})
    assert [column for column, _ in rejections(batch.report)] == ["n", None]


@pytest.mark.parametrize(("usual", "rejected"), [(None, False), (11, False), (12, True)])
def test_fewer_records_than_usual_reject_the_batch(
    hold: Hold, usual: int | None, rejected: bool
) -> None:
    lines = "".join(f"{n}\n" for n in range(10))
    batch = hold("n\n" + lines, {"n": INT}, usual_rows=usual, completeness={"rows": 0.9})
    assert batch.report.rejected is rejected
    assert batch.report.accepted == 10
    if rejected:
        assert "there are 10 records, fewer than 90% of the usual 12" in str(batch.report)


AT = {"type": "timestamp"}


@pytest.mark.parametrize(
    ("newest", "rejected"), [("2024-05-31T00:00:00", False), ("2024-05-30T23:59:59", True)]
)
def test_events_that_are_too_old_reject_the_batch(hold: Hold, newest: str, rejected: bool) -> None:
    content = f"id,at\na,2020-01-01\nb,{newest}\nc,2030-01-01\n"
    batch = hold(content, {"id": {"type": "string"}, "at": AT}, freshness="1d")
    assert batch.report.rejected is rejected
    if rejected:
        (finding,) = (finding for finding in batch.findings("at") if finding.rejects)
        assert finding.problem.startswith("the newest event is of 2024-05-30T23:59:59+00:00")


def test_a_batch_without_records_is_rejected(
    make_workload: Callable[..., Any], hold_workload: Callable[..., Any], tmp_path: Any
) -> None:
    source = {"kind": "sql", "url": "sqlite://", "query": "SELECT 1 AS n, 'x' AS c WHERE 1 = 2"}
    columns = {"n": {"type": "number", "min": 0}, "c": {"type": "category", "in": ["x"]}}
    workload = make_workload(tmp_path / "workload", columns, source, limits={"quarantined": 0.02})
    before = make_workload(
        tmp_path / "before", columns, {**source, "query": "SELECT 1 AS n, 'x' AS c"}
    )
    previous = hold_workload(before, tmp_path / "1").snapshot
    batch = hold_workload(workload, tmp_path / "2", previous=previous, usual_rows=9)
    assert rejections(batch.report) == [(None, "there are no records")]
    assert batch.report.drift == []


def test_a_time_without_a_zone_is_taken_as_utc(hold: Hold) -> None:
    naive = datetime(2024, 6, 1)
    batch = hold("at\n2024-06-01T00:00:00Z\n", {"at": AT}, as_of=naive)
    assert batch.report.accepted == 1
    assert naive.replace(tzinfo=UTC) > datetime(2024, 5, 1, tzinfo=UTC)


def test_copies_count_neither_as_records_nor_as_broken_ones(hold: Hold) -> None:
    content = "id,n\na,1\nb,2\nc,3\nd,x\n" + "d,x\n" * 30 + "a,1\n" * 30
    columns = {"id": {"type": "string"}, "n": INT}
    assert not hold(content, columns, limits={"quarantined": 0.25}).report.rejected
    report = hold(content, columns, limits={"quarantined": 0.24}).report
    [(_, problem)] = rejections(report)
    assert problem.startswith("1 of 4 records, copies aside, (25.0%) are in quarantine, more than")
    assert "'n' is not an integer of 64 bits (1, such as 'x' in line 5 of data.csv)" in problem
