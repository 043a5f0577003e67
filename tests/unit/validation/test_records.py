"""A broken record goes to quarantine with its line, column, value and every reason."""

from collections.abc import Callable
from typing import Any

import pytest

from millrace.errors import WorkloadError

Hold = Callable[..., Any]
ID = {"type": "string", "unique": True}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ({"type": "integer"}, "abc", "is not an integer of 64 bits"),
        ({"type": "number"}, "inf", "is not a finite number"),
        ({"type": "boolean"}, "maybe", "is not a boolean (true or false, yes or no, 1 or 0)"),
        ({"type": "timestamp"}, "soon", "is not a time as of ISO 8601"),
        ({"type": "integer"}, None, "is missing"),
        ({"type": "string"}, "  ", "is missing"),
        ({"type": "integer", "min": 1}, "0", "is below 1"),
        ({"type": "integer", "max": 2**53}, str(2**53 + 1), f"is above {2**53}"),
        ({"type": "integer", "min": 0.5}, "0", "is below 0.5"),
        ({"type": "integer", "min": 0.5, "max": 1e30}, "-9223372036854775807", "is below 0.5"),
        ({"type": "integer", "max": 1.5}, "9223372036854775807", "is above 1.5"),
        ({"type": "number", "min": 0.5}, "0.4", "is below 0.5"),
        ({"type": "category", "in": ["1", "Yes"]}, "yes", "is none of '1', 'Yes'"),
        ({"type": "string", "pattern": "[0-9]"}, "12", "does not match '[0-9]'"),
        ({"type": "string", "pattern": "1|(?=.b)ab"}, "abc", "does not match '1|(?=.b)ab'"),
    ],
)
def test_a_value_that_breaks_the_contract_is_told(
    hold: Hold, column: dict[str, Any], value: str | None, reason: str
) -> None:
    sound = "2024-01-01" if column["type"] == "timestamp" else "1"
    batch = hold(f"id,x\na,{sound}\nb,{value or ''}\nc,{sound}\n", {"id": ID, "x": column})
    assert batch.reasons() == {3: [("x", reason, value)]}
    (finding,) = batch.findings("x")
    shown = "nothing" if value is None else repr(value)
    assert (finding.problem, finding.records) == (reason, 1)
    assert finding.examples == [f"line 3: {shown}"]
    assert finding.remedy
    assert not batch.report.rejected


def test_values_that_may_be_missing_may_be_missing(hold: Hold) -> None:
    columns = {
        "id": ID,
        "n": {"type": "number", "nullable": True, "min": 0},
        "c": {"type": "category", "nullable": True, "in": ["x"]},
        "s": {"type": "string", "nullable": True, "pattern": "x", "unique": True},
    }
    batch = hold("id,n,c,s\na,,,\nb,1,x,x\nc,,x,\n", columns)
    assert (batch.report.accepted, batch.report.findings) == (3, [])
    rows = sorted(batch.accepted.to_pylist(), key=lambda row: row["id"])
    assert rows[0] == {"id": "a", "n": None, "c": None, "s": None}


def test_a_record_can_have_several_reasons(hold: Hold) -> None:
    columns = {"id": ID, "n": {"type": "integer"}, "m": {"type": "integer", "min": 5}}
    batch = hold("id,n,m\na,1,9\nb,x,3\n", columns)
    assert batch.reasons() == {
        3: [("n", "is not an integer of 64 bits", "x"), ("m", "is below 5", "3")]
    }


def test_of_exact_copies_the_first_stays(hold: Hold) -> None:
    batch = hold("id,n\na,1\nb,2\na,1\na,1\n", {"id": ID, "n": {"type": "integer"}})
    assert batch.reasons() == {
        4: [(None, "is a copy of line 2", None)],
        5: [(None, "is a copy of line 2", None)],
    }
    (finding,) = batch.findings(None)
    assert (finding.problem, finding.records) == ("is a copy of another record", 2)
    assert sorted(finding.examples) == [
        "line 4: is a copy of line 2",
        "line 5: is a copy of line 2",
    ]


def test_records_that_share_a_key_and_differ_are_all_in_quarantine(hold: Hold) -> None:
    batch = hold("id,n\na,1\nb,2\na,3\na,1\n", {"id": ID, "n": {"type": "integer"}})
    shared = ("id", "is shared by records that differ", "a")
    assert batch.reasons() == {
        2: [shared],
        4: [shared],
        5: [(None, "is a copy of line 2", None)],
    }
    assert batch.accepted.to_pylist() == [{"id": "b", "n": 2}]


def test_a_column_that_the_contract_does_not_name_tells_records_apart(hold: Hold) -> None:
    batch = hold("n,other\n1,x\n1,y\n", {"n": {"type": "integer"}})
    assert batch.report.accepted == 2


def test_events_of_the_future_are_in_quarantine(hold: Hold) -> None:
    columns = {"id": ID, "at": {"type": "timestamp", "timezone": "Europe/Berlin"}}
    batch = hold("id,at\na,2024-06-01T02:00:00\nb,2024-06-01T02:00:01\n", columns)
    reason = "is after the as-of time 2024-06-01T00:00:00+00:00"
    assert batch.reasons() == {3: [("at", reason, "2024-06-01T02:00:01")]}


def test_five_examples_are_shown_and_long_ones_cut(hold: Hold) -> None:
    lines = "".join(f"{n},{'x' * 100}{n}\n" for n in range(9))
    batch = hold(
        "id,n\n" + lines + "y,1\n" * 8, {"id": {"type": "string"}, "n": {"type": "integer"}}
    )
    finding = next(f for f in batch.findings("n") if not f.rejects)
    assert (finding.records, len(finding.examples)) == (9, 5)
    assert all(len(example) < 80 for example in finding.examples)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"type": "string", "pattern": "[a"}, "x: pattern is no regular expression"),
        ({"type": "timestamp", "timezone": "Mars/Olympus"}, "x: timezone is unknown"),
    ],
)
def test_a_contract_that_cannot_be_is_the_workloads_fault(
    hold: Hold, column: dict[str, Any], words: str
) -> None:
    with pytest.raises(WorkloadError, match=words):
        hold("x\n1\n", {"x": column})


def test_an_event_time_is_a_timestamp(hold: Hold) -> None:
    with pytest.raises(WorkloadError, match=r"spec\.time\.event: 'at' is not a column of type tim"):
        hold("at\n1\n", {"at": {"type": "string"}}, freshness="1d")
