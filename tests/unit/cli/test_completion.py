"""A shell is offered what a command takes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.completion import runs_and_workloads, workload_names, workloads_and_folders
from cli.main import app


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("churn", "failures"):
        (tmp_path / "workloads" / name).mkdir(parents=True)
        (tmp_path / "workloads" / name / "workload.yaml").write_text("")
    (tmp_path / "workloads" / "notes").mkdir()
    for run in ("churn-20260101T000000-aaaaaa", "churn-20260102T000000-bbbbbb"):
        (tmp_path / "home" / "store" / "runs" / run).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_workloads_are_offered_by_name() -> None:
    assert workload_names("") == ["churn", "failures"]
    assert workload_names("f") == ["failures"]


def test_workloads_are_offered_by_folder() -> None:
    assert workloads_and_folders("w") == ["workloads/"]
    assert workloads_and_folders("workloads/") == [
        "workloads/churn",
        "workloads/failures",
        "workloads/notes/",
    ]
    assert workloads_and_folders("ch") == ["churn"]
    assert workloads_and_folders("nowhere/x") == []


def test_runs_are_offered_with_the_newest_first() -> None:
    assert runs_and_workloads("churn") == [
        "churn",
        "churn-20260102T000000-bbbbbb",
        "churn-20260101T000000-aaaaaa",
    ]


def test_a_home_without_a_store_offers_the_workloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_HOME", "/nowhere")
    assert runs_and_workloads("f") == ["failures"]


@pytest.mark.parametrize("command", ["status", "rollback", "traffic", "run", "candidates"])
def test_whatever_takes_a_workload_offers_those_there_are(command: str) -> None:
    environment = {"COMP_WORDS": f"millrace {command} ch", "COMP_CWORD": "2"}
    done = CliRunner().invoke(
        app, [], env={**environment, "_MILLRACE_COMPLETE": "complete_bash"}, prog_name="millrace"
    )
    assert done.output.split() == ["churn"]
