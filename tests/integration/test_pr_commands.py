"""A person decides on pull requests with the real command."""

import json
import subprocess
from pathlib import Path

import pytest

from cli.completion import open_pull_requests
from millrace.deploy import PullRequest, open_forge, open_repository
from millrace.settings import Settings
from tests.integration.conftest import MILLRACE, Laptop

EVIDENCE = """\
# Why

| gate | outcome |
|---|---|
| ROC AUC | **pass** |
"""


@pytest.fixture
def desk(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


def settings(desk: Laptop) -> Settings:
    return Settings(home=desk.home)


def proposed(desk: Laptop, workload: str = "churn", *, draft: bool = False) -> PullRequest:
    repository = open_repository(settings(desk))
    head = repository.head()
    changes = {f"{workload}/route.yaml": b"weights: [95, 5]\n", f"{workload}/arms/v2.yaml": b"x\n"}
    return open_forge(settings(desk)).propose(
        f"millrace/{workload}/0123456789ab/release",
        head,
        changes,
        title=f"Release {workload}-v2 [5 %]",
        body=EVIDENCE,
        draft=draft,
    )


def text(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def fault(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_nothing_is_proposed_at_first(desk: Laptop) -> None:
    assert text(desk.millrace("pr", "list")) == "There is no open pull request.\n"
    assert "no merged pull request of churn." in text(
        desk.millrace("pr", "list", "churn", "--state", "merged")
    )
    assert json.loads(text(desk.millrace("pr", "list", "--json"))) == []


def test_a_person_lists_reads_and_merges(desk: Laptop) -> None:
    proposed(desk)
    proposed(desk, "flights", draft=True)
    rows = text(desk.millrace("pr", "list")).splitlines()
    assert [row.split()[:3] for row in rows if "#" in row] == [
        ["#2", "flights", "draft"],
        ["#1", "churn", "open"],
    ]
    assert "Release churn-v2 [5 %]" in text(desk.millrace("pr", "list", "churn"))
    shown = text(desk.millrace("pr", "show", "1"))
    for part in ("#1 Release churn-v2 [5 %]", "ROC AUC", "added    churn/route.yaml +1 -0"):
        assert part in shown
    assert "+weights: [95, 5]" in shown
    assert "**" not in shown
    assert "|---|" not in shown
    assert "draft, opened" in text(desk.millrace("pr", "show", "2"))

    assert "Merged #1: the main branch is at" in text(desk.millrace("pr", "merge", "1"))
    repository = open_repository(settings(desk))
    assert set(repository.files(repository.head(), "churn")) == {
        "churn/route.yaml",
        "churn/arms/v2.yaml",
    }
    told = json.loads(text(desk.millrace("pr", "show", "1", "--json")))
    assert (told["state"], told["merged"]) == ("merged", repository.head())
    assert [one["path"] for one in told["files"]] == ["churn/arms/v2.yaml", "churn/route.yaml"]
    assert [one["number"] for one in json.loads(text(desk.millrace("pr", "list", "--json")))] == [2]


def test_a_shell_is_offered_the_open_ones(desk: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(desk.home))
    proposed(desk)
    assert open_pull_requests("") == [("1", "Release churn-v2 [5 %]")]
    assert open_pull_requests("2") == []
    monkeypatch.setenv("MILLRACE_DEPLOY_REPOSITORY", str(desk.folder / "nowhere"))
    assert open_pull_requests("") == []


def test_a_person_closes(desk: Laptop) -> None:
    proposed(desk)
    text(desk.millrace("pr", "close", "1", "--comment", "Not on a Friday"))
    assert "Closed with: Not on a Friday" in text(desk.millrace("pr", "show", "1"))
    rows = text(desk.millrace("pr", "list", "--state", "all")).splitlines()
    assert [row.split()[:3] for row in rows if "#" in row] == [["#1", "churn", "closed"]]


def test_what_cannot_be_done_is_told_in_a_line(desk: Laptop) -> None:
    proposed(desk)
    proposed(desk, "flights", draft=True)
    told = fault(desk.millrace("pr", "merge", "7"))
    assert "#7: there is no such pull request; expected one of the open ones: #2, #1" in told
    assert "#2: it is a draft; what it waits for: `millrace pr show 2`" in fault(
        desk.millrace("pr", "merge", "2")
    )
    repository = open_repository(settings(desk))
    repository.commit(repository.head(), {"churn/route.yaml": b"weights: [50, 50]\n"}, "By hand")
    assert "#1: it no longer applies" in fault(desk.millrace("pr", "merge", "1"))
    assert "conflicts in churn/route.yaml" in fault(desk.millrace("pr", "merge", "1"))
    text(desk.millrace("pr", "close", "1"))
    assert "#1: it is closed already" in fault(desk.millrace("pr", "close", "1"))
    assert "#1: it is closed already" in fault(desk.millrace("pr", "merge", "1"))
    done = desk.millrace("pr", "merge", "1", "--json")
    assert json.loads(done.stdout)["error"]["kind"] == "ConflictError"
    assert desk.millrace("pr", "merge", "one").returncode == 2
    assert desk.millrace("pr", "merge", "0").returncode == 2


def test_a_repository_of_ones_own_is_used(desk: Laptop) -> None:
    own = desk.folder / "own.git"
    subprocess.run(["git", "init", "-q", "--bare", str(own)], check=True)
    environment = {**desk.environment, "MILLRACE_DEPLOY_REPOSITORY": "own.git"}
    done = subprocess.run(
        [MILLRACE, "pr", "list"],
        cwd=desk.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "There is no open pull request." in text(done)
    assert not desk.home.exists()
