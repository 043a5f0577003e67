"""A step leaves a record and one line, come what may."""

import json
import shutil
from pathlib import Path

import pytest

from millrace.digests import digest_of_json
from millrace.errors import SourceError
from millrace.progress import heard
from millrace.runs.records import Records, computation_records, run_records
from millrace.runs.step import step
from millrace.settings import load_settings
from millrace.storage import open_store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def records() -> Records:
    return run_records(open_store(load_settings()), "run-1")


def events(output: str) -> list[dict[str, object]]:
    return [event for line in output.splitlines() if (event := heard(line))]


def test_a_step_that_is_done_leaves_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    with step("train", "workloads/churn", run="run-1") as work:
        work.note = "fine"
        work.facts["x"] = "y"
    record = records().read("train")
    assert record is not None
    assert (record.outcome, record.note, record.facts) == ("done", "fine", {"x": "y"})
    assert [e["event"] for e in events(capsys.readouterr().out)] == ["step_started", "step_done"]


def test_a_fault_is_told_in_one_line_and_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, step("ingest", "workloads/churn", run="run-1"):
        raise SourceError("is empty", where="data.csv")
    assert ended.value.code == 1
    output = capsys.readouterr()
    assert "Traceback" not in output.out + output.err
    record = records().read("ingest")
    assert record is not None
    assert record.failure is not None
    assert record.failure["message"] == "data.csv: is empty"
    assert events(output.out)[-1]["failure"] == record.failure


def test_a_broken_step_keeps_its_traceback_for_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), step("train", "workloads/churn", run="run-1"):
        raise ZeroDivisionError("by zero")
    output = capsys.readouterr()
    assert "Traceback" in output.err
    assert "the step broke: ZeroDivisionError: by zero" in json.dumps(events(output.out)[-1])


def test_a_step_that_is_killed_leaves_a_record_that_says_so() -> None:
    with step("train", "workloads/churn", run="run-1"):
        record = records().read("train")
    assert record is not None
    assert record.outcome == "running"


def test_a_workload_that_cannot_be_read_fails_its_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("workloads/churn", tmp_path / "w", ignore=shutil.ignore_patterns("data"))
    (tmp_path / "w" / "workload.yaml").write_text("spec: 1")
    with pytest.raises(SystemExit), step("ingest", str(tmp_path / "w"), run="run-1"):
        raise AssertionError("is not reached")
    assert events(capsys.readouterr().out)[-1]["event"] == "step_failed"


def test_another_champion_is_another_computation() -> None:
    store = open_store(load_settings())
    one = computation_records(store, "w", "snapshot", "time", "code", "champion")
    other = computation_records(store, "w", "snapshot", "time", "code", "")
    assert one.folder != other.folder
    assert digest_of_json(["snapshot", "time", "code", ""])[:16] in other.folder
