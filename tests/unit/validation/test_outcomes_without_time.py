"""An outcome of which nobody can tell when it became known, and a label that never came."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from millrace.workload import Workload, load_workload

Hold = Callable[..., Any]
LATE = {"type": "boolean"}
CLOCKS = {"at": {"type": "timestamp"}, "known": {"type": "timestamp"}}
COLUMNS = {"late": LATE, **CLOCKS}


def test_a_label_without_a_time_at_which_it_became_known_is_in_quarantine(hold: Hold) -> None:
    content = "late,at,known\ntrue,2024-05-01,2024-05-02\nfalse,2024-05-01,\n,2024-05-02,\n"
    batch = hold(content, COLUMNS)
    reason = "is missing, though 'late' has a value: nobody can tell since when it is known"
    assert batch.reasons() == {3: [("known", reason, None)]}
    (finding,) = batch.report.findings
    assert (finding.column, finding.problem, finding.records) == ("known", reason, 1)
    assert finding.examples == ["line 3: nothing"]
    assert "bring the time at which an outcome became known" in finding.remedy


def test_any_column_of_the_outcome_needs_its_time(
    make_workload: Callable[..., Workload],
    hold_workload: Callable[..., Any],
    tmp_path: Any,
) -> None:
    minutes = {"type": "integer", "nullable": True}
    workload = make_workload(tmp_path / "w", {**COLUMNS, "minutes": minutes})
    file = workload.folder / "workload.yaml"
    file.write_text(
        file.read_text().replace("known: known", "known: known\n    outcome: [minutes]")
    )
    (workload.folder / "data.csv").write_text("late,at,known,minutes\n,2024-05-01,,7\n")
    batch = hold_workload(load_workload(workload.folder), tmp_path)
    assert [reason for _, reason, _ in batch.reasons()[2]] == [
        "is missing, though 'late' or 'minutes' has a value: nobody can tell since when it is known"
    ]


@pytest.mark.parametrize(("known", "told"), [("2024-05-02", True), ("2024-05-03", False)])
def test_a_label_that_is_known_by_now_and_is_not_there_is_told(
    hold: Hold, known: str, told: bool
) -> None:
    content = f"late,at,known\ntrue,2024-05-01,2024-05-02\n,2024-05-01,{known}\n"
    batch = hold(content, COLUMNS, as_of=datetime(2024, 5, 2, 12, tzinfo=UTC))
    assert batch.report.quarantined == 0
    assert [(f.column, f.records, f.examples, f.rejects) for f in batch.report.findings] == (
        [("late", 1, [f"line 3: '{known}'"], False)] if told else []
    )
    assert batch.accepted.num_rows == 2
