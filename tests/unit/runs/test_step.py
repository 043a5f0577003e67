"""A step leaves a record and one line, come what may."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.errors import SourceError
from millrace.progress import heard
from millrace.runs.limits import PARENT, TIMEOUT
from millrace.runs.records import ENVIRONMENT, Records, computation_records, run_records
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


def test_a_workload_that_cannot_be_read_fails_the_step_that_asks_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "workload.yaml").write_text("spec: 1")
    with step("summarize", str(tmp_path), run="run-1"):
        pass
    with pytest.raises(SystemExit), step("ingest", str(tmp_path), run="run-1") as work:
        work.note = work.workload.name
    assert events(capsys.readouterr().out)[-1]["event"] == "step_failed"


def test_an_attempt_does_not_replace_what_is_done_before_it_is_done_itself() -> None:
    store = open_store(load_settings())
    kept = computation_records(store, "inputs")
    with step("train", "workloads/churn", computation=("inputs",)) as work:
        work.note = "first"
    done = kept.read("train")
    with (
        pytest.raises(SystemExit),
        step("train", "workloads/churn", computation=("inputs",)) as work,
    ):
        began = kept.read("train")
        raise SourceError("again")
    assert done is not None
    assert began is not None
    assert began.outcome == "running"
    later = kept.read("train")
    assert later is not None
    assert later.outcome == "failed"
    assert kept.read("train", since=later.started + "0") == done


def test_another_champion_and_another_environment_are_another_computation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = open_store(load_settings())
    folders = {computation_records(store, "snapshot", champion).folder for champion in "ab"}
    monkeypatch.setenv(ENVIRONMENT, "other")
    folders.add(computation_records(store, "snapshot", "a").folder)
    assert len(folders) == 3


def test_a_step_whose_time_is_over_says_so_in_its_record(home: Path) -> None:
    code = (
        "import time\n"
        "from millrace.runs.step import step\n"
        "with step('train', 'workloads/churn', run='run-1'):\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, TIMEOUT: "0.2"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "took longer than 0.2 s" in str(events(done.stdout)[-1])
    record = records().read("train")
    assert record is not None
    assert record.failure is not None
    assert "took longer than 0.2 s" in record.failure["message"]


def test_a_step_ends_when_the_one_that_started_it_is_gone() -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    code = (
        "import time\n"
        "from millrace.runs.step import step\n"
        "with step('train', 'workloads/churn', run='run-1'):\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, PARENT: gone.stdout.strip()}
    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=30, check=False)
    assert done.returncode == 1
