"""Pull requests of Gitea: by its REST API and git over HTTP, and by what people do there."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from deploy_worlds import BRANCH, KilledError, at_command, at_first
from fake_gitea import FakeGitea
from gitea_worlds import proposed, settings

from cli.commands.pr import show
from cli.console import console
from millrace.deploy import PullRequest, open_forge, open_repository
from millrace.errors import BranchTakenError, ConflictError, DeployError, MergeRefusedError
from millrace.settings import Settings

MERGE = "POST /api/v1/repos/owner/deploy/pulls/1/merge"


def test_a_proposal_goes_its_way_from_draft_to_merge(
    installation: Settings, gitea: FakeGitea
) -> None:
    forge, repository = open_forge(installation), open_repository(installation)
    there = proposed(installation, draft=True)
    assert gitea.pulls[0]["title"] == "WIP: Release churn-v8"
    assert (there.number, there.branch, there.title) == (1, BRANCH, "Release churn-v8")
    assert (there.state, there.draft, there.body) == ("open", True, "# Evidence\n")
    assert there.url == f"{gitea.url}/owner/deploy/pulls/1"
    assert gitea.sha(BRANCH) == there.head
    assert forge.pull_requests("churn") == [there] == [forge.get(1)]
    with pytest.raises(ConflictError, match="it is a draft; what it waits for"):
        forge.merge(1)

    base = repository.commit(repository.head(), {"other": b"1"}, "Meanwhile")
    said = {"title": "Release churn-v9", "body": "New", "draft": False}
    updated = forge.update(1, base, {"churn/x": b"9\n"}, **said)  # type: ignore[arg-type]
    assert updated == forge.get(1)
    assert gitea.pulls[0]["title"] == "Release churn-v9"
    assert forge.update(1, base, {"churn/x": b"9\n"}, **said) == updated  # type: ignore[arg-type]

    merged = forge.merge(1)
    assert repository.head() == merged
    assert repository.files(merged, "churn") == {"churn/x": b"9\n"}
    assert repository.history(merged, "churn")[0].subject == (
        "Merge pull request #1: Release churn-v9"
    )
    found = forge.find(BRANCH)
    assert found is not None
    assert (found.state, found.merged, found.head) == ("merged", merged, updated.head)
    assert gitea.sha(BRANCH) == ""


def test_closing_says_why_and_removes_the_branch(installation: Settings, gitea: FakeGitea) -> None:
    there = proposed(installation)
    for _ in range(2):
        open_forge(installation).close(1, "superseded")
    assert [(one["type"], one["body"]) for one in gitea.events] == [
        ("comment", "superseded"),
        ("close", ""),
    ]
    assert gitea.sha(BRANCH) == ""
    found = open_forge(installation).get(1)
    assert (found.state, found.head, found.comment) == ("closed", there.head, "superseded")
    assert found == open_forge(installation).find(BRANCH) == proposed(installation, known=0)
    files, _ = open_repository(installation).difference(found.head)
    assert [one.path for one in files] == ["churn/x"]
    with pytest.raises(ConflictError, match="it is closed already"):
        open_forge(installation).merge(1)


def test_lists_are_read_to_the_last_page(installation: Settings) -> None:
    head, forge = open_repository(installation).head(), open_forge(installation)
    for name in ("churn/a", "churn/b", "flights/a", "churn/c", "churn/d"):
        forge.propose(f"millrace/{name}/release", head, {name: b""}, title=name, body="")
    assert [one.number for one in forge.pull_requests("churn")] == [5, 4, 2, 1]
    found = forge.find("millrace/churn/a/release")
    assert found is not None
    assert found.number == 1
    with pytest.raises(DeployError, match=r"#9: there is no such .* ones: #5, #4, #3, #2"):
        forge.get(9)


def test_no_page_is_asked_for_after_the_last(installation: Settings, gitea: FakeGitea) -> None:
    head, forge = open_repository(installation).head(), open_forge(installation)
    for name in "abcd":
        forge.propose(f"millrace/churn/{name}/release", head, {name: b""}, title=name, body="")
        gitea.asked.clear()
        assert len(forge.pull_requests()) == len(gitea.pulls)
        assert gitea.asked == ["GET pulls"] * ((len(gitea.pulls) + 1) // 2)


def test_a_gitea_that_does_not_say_how_many_there_are_is_asked_to_the_end(
    installation: Settings, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, forge = open_repository(installation).head(), open_forge(installation)
    for name in "abc":
        forge.propose(f"millrace/churn/{name}/release", head, {name: b""}, title=name, body="")
    listed = gitea.listed
    monkeypatch.setattr(gitea, "listed", lambda query: listed(query)[:2])
    assert len(forge.pull_requests()) == 3


def test_a_new_proposal_does_not_ask_for_those_of_other_branches(
    installation: Settings, gitea: FakeGitea
) -> None:
    head, forge = open_repository(installation).head(), open_forge(installation)
    for number in range(5):
        branch = f"millrace/churn/{number}/release"
        forge.propose(branch, head, {f"{number}": b""}, title="T", body="")
        forge.close(number + 1, "")
    gitea.asked.clear()
    assert proposed(installation).number == 6
    lists = [one for one in gitea.asked if one == "GET pulls"]
    assert len(lists) == 1, "that of the open ones, of which there is none"


def test_many_at_once_open_one_pull_request(installation: Settings, gitea: FakeGitea) -> None:
    head = open_repository(installation).head()
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: proposed(installation, head).number, range(4)))
    assert found == {1}
    assert len(gitea.pulls) == 1


def test_a_proposal_whose_branch_is_deleted_in_the_middle_is_made_all_the_same(
    installation: Settings, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete() -> None:
        gitea.git("update-ref", "-d", f"refs/heads/{BRANCH}")

    with at_first(monkeypatch, "POST pulls", before=delete):
        assert proposed(installation).number == 1
    assert open_forge(installation).get(1).state == "open"


def test_a_text_that_comes_to_stand_over_another_commit_is_said_of_its_own(
    installation: Settings, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed(installation, draft=True)
    head = open_repository(installation).head()

    def update(value: bytes) -> PullRequest:
        text = {"title": f"T{value!r}", "body": "", "draft": False}
        return open_forge(installation).update(1, head, {"churn/x": value}, **text)  # type: ignore[arg-type]

    with at_first(monkeypatch, "PATCH pulls/1", before=lambda: update(b"1")):
        updated = update(b"2")
    assert gitea.git("show", f"{BRANCH}:churn/x") == "2"
    assert open_forge(installation).get(1) == updated
    assert updated.title == "Tb'2'"


def test_a_proposal_that_was_killed_after_its_branch_is_completed(
    installation: Settings, gitea: FakeGitea
) -> None:
    head = open_repository(installation).head()
    gitea.broken["POST /api/v1/repos/owner/deploy/pulls"] = (503, b"")
    with pytest.raises(DeployError, match="HTTP status 503"):
        proposed(installation, head)
    gitea.broken.clear()
    assert gitea.pulls == []
    left = gitea.sha(BRANCH)
    assert left
    there = proposed(installation, head)
    assert (there.number, there.head) == (1, left)


@pytest.mark.parametrize("number", range(1, 12, 2))
def test_a_proposal_that_is_killed_anywhere_is_made_once(
    installation: Settings, gitea: FakeGitea, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = open_repository(installation).head()

    def kill() -> None:
        raise KilledError

    with at_command(monkeypatch, number, after=kill), suppress(KilledError):
        proposed(installation, head)
    assert proposed(installation, head).number == 1
    assert len(gitea.pulls) == 1


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_update_that_is_killed_at_its_push_cannot_be_merged_until_it_is_complete(
    installation: Settings,
    gitea: FakeGitea,
    after: bool,
    draft: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = proposed(installation).head

    def update() -> PullRequest:
        parent = open_repository(installation).head()
        said = {"title": "Release churn-v9", "body": "New evidence\n", "draft": draft}
        return open_forge(installation).update(1, parent, {"churn/x": b"9\n"}, **said)  # type: ignore[arg-type]

    def kill() -> None:
        raise KilledError

    hook = {"after": kill} if after else {"before": kill}
    with at_first(monkeypatch, "push", **hook), suppress(KilledError):
        update()
    assert (gitea.sha(BRANCH) == head) != after
    with pytest.raises(ConflictError, match="it is a draft"):
        open_forge(installation).merge(1)
    updated = update()
    assert open_forge(installation).get(1) == updated
    told = (updated.title, updated.body, updated.draft)
    assert told == ("Release churn-v9", "New evidence\n", draft)
    assert gitea.git("show", f"{BRANCH}:churn/x") == "9"


def test_an_update_that_a_person_overtakes_leaves_what_the_pull_request_says(
    installation: Settings, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = proposed(installation)

    def push() -> None:
        made = gitea.git("commit-tree", f"{BRANCH}^{{tree}}", "-p", BRANCH, "-m", "By hand")
        gitea.git("update-ref", f"refs/heads/{BRANCH}", made)

    head = open_repository(installation).head()
    with at_first(monkeypatch, "push", before=push), pytest.raises(BranchTakenError):
        open_forge(installation).update(1, head, {}, title="T", body="Other", draft=False)
    found = open_forge(installation).get(1)
    assert (found.title, found.body, found.draft) == (there.title, there.body, there.draft)


def test_an_update_of_the_files_alone_leaves_it_ready_all_the_time(
    installation: Settings, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = proposed(installation)
    titles: list[str] = []
    head = open_repository(installation).head()
    said = {"title": there.title, "body": there.body, "draft": False}
    with at_first(monkeypatch, "push", before=lambda: titles.append(gitea.pulls[0]["title"])):
        open_forge(installation).update(1, head, {"churn/y": b""}, **said)  # type: ignore[arg-type]
    assert titles == [there.title]


def test_who_closes_it_on_its_page_has_closed_it(installation: Settings, gitea: FakeGitea) -> None:
    proposed(installation)
    gitea.by_hand("PATCH", "pulls/1", state="closed")
    found = open_forge(installation).find(BRANCH)
    assert found is not None
    assert found.state == "closed"
    assert proposed(installation, known=0).number == 1
    again = open_forge(installation).propose(
        BRANCH, open_repository(installation).head(), {"churn/x": b"9\n"}, title="T", body=""
    )
    assert again.number == 2
    assert open_forge(installation).get(1).head == found.head != again.head


def test_why_it_was_closed_is_what_its_closer_said_last(
    installation: Settings, gitea: FakeGitea
) -> None:
    forge = open_forge(installation)
    proposed(installation)
    forge.close(1, "Superseded: v9 is newer")
    gitea.by_hand("POST", "issues/1/comments", body="Why?")
    assert forge.get(1).comment == "Superseded: v9 is newer"

    gitea.by_hand("PATCH", "pulls/1", state="open")
    gitea.by_hand("PATCH", "pulls/1", state="closed")
    assert forge.get(1).comment == "", "a person closed it, who said nothing about it"

    gitea.by_hand("PATCH", "pulls/1", state="open")
    gitea.by_hand("POST", "issues/1/comments", body="Not on a Friday")
    gitea.by_hand("PATCH", "pulls/1", state="closed")
    assert forge.get(1).comment == "Not on a Friday"


def test_a_kill_after_the_comment_does_not_explain_what_a_person_closes(
    installation: Settings, gitea: FakeGitea
) -> None:
    proposed(installation)
    gitea.broken["PATCH /api/v1/repos/owner/deploy/pulls/1"] = (503, b"")
    with pytest.raises(DeployError, match="HTTP status 503"):
        open_forge(installation).close(1, "Superseded: v9 is newer")
    gitea.broken.clear()
    gitea.by_hand("PATCH", "pulls/1", state="closed")
    found = open_forge(installation).get(1)
    assert (found.state, found.comment) == ("closed", "")


def test_pr_show_tells_why_it_was_closed(
    installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed(installation)
    open_forge(installation).close(1, "not on a Friday")
    monkeypatch.setattr("cli.commands.pr.load_settings", lambda: installation)
    with console.capture() as told:
        show(1, as_json=False)
    assert "Closed with: not on a Friday" in told.get()


@pytest.mark.parametrize("way", ["merge", "squash"])
def test_who_merges_it_on_its_page_has_merged_it(
    installation: Settings, gitea: FakeGitea, way: str
) -> None:
    seen = open_repository(installation).head()
    proposed(installation)
    gitea.checked.add(1)
    said = {"Do": way, "MergeTitleField": "T", "MergeMessageField": ""}
    with gitea.lock:
        assert gitea.answer("POST", "pulls/1/merge", {}, said)[0] == 200
    merged = open_repository(installation).head()
    found = open_forge(installation).get(1)
    assert (found.state, found.merged) == ("merged", merged)
    assert proposed(installation, seen).number == 1
    assert proposed(installation, merged).number == 2


def test_plain_git_that_gitea_does_not_notice_counts(
    installation: Settings, gitea: FakeGitea
) -> None:
    there = proposed(installation)
    tree = gitea.git("merge-tree", "--write-tree", "main", BRANCH)
    merge = gitea.git("commit-tree", tree, "-p", "main", "-p", BRANCH, "-m", "By hand")
    gitea.git("update-ref", "refs/heads/main", merge)
    assert open_forge(installation).get(1).state == "merged"
    second = open_forge(installation).propose(
        BRANCH, merge, {"churn/x": b"9\n"}, title="Second", body=""
    )
    assert (second.number, second.title, second.state) == (2, "Second", "open")
    assert gitea.pulls[0]["state"] == "closed"
    first = open_forge(installation).get(1)
    assert (first.state, first.head) == ("merged", there.head)

    gitea.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    assert open_forge(installation).get(2).state == "closed"
    assert open_forge(installation).pull_requests() == []
    assert proposed(installation).number == 3


def test_a_conflict_names_the_files(installation: Settings) -> None:
    proposed(installation)
    repository = open_repository(installation)
    moved = repository.commit(repository.head(), {"churn/x": b"9\n"}, "Meanwhile")
    with pytest.raises(ConflictError, match=r"#1: it no longer applies.*conflicts in churn/x"):
        open_forge(installation).merge(1)
    assert repository.head() == moved


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (405, "Does not have enough approvals"),
        (405, "User not allowed to merge PR"),
        (405, "Work in progress PRs cannot be merged"),
        (409, "PushRejected with remote message: main is mine"),
    ],
)
def test_a_merge_that_gitea_does_not_allow_is_no_conflict_and_says_why(
    installation: Settings, gitea: FakeGitea, status: int, words: str
) -> None:
    proposed(installation)
    gitea.broken[MERGE] = (status, json.dumps({"message": words}).encode())
    with pytest.raises(MergeRefusedError) as caught:
        open_forge(installation).merge(1)
    assert f"#1: Gitea does not allow to merge it; found {words}; " in str(caught.value)
    assert open_forge(installation).get(1).state == "open"


def test_a_merge_that_another_close_overtakes_is_a_conflict(
    installation: Settings, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed(installation)
    gitea.checked.add(1)

    def close() -> None:
        open_forge(installation).close(1, "")

    overtaken = at_first(monkeypatch, "POST pulls/1/merge", before=close)
    with overtaken, pytest.raises(ConflictError, match="#1: it is closed already"):
        open_forge(installation).merge(1)


def test_a_close_that_a_merge_overtakes_is_a_conflict(
    installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed(installation)

    def merge() -> None:
        open_forge(installation).merge(1)

    overtaken = at_first(monkeypatch, "PATCH pulls/1", before=merge)
    with overtaken, pytest.raises(ConflictError, match="#1: it is merged already"):
        open_forge(installation).close(1, "superseded")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (409, {"Style": "merge", "StdOut": "CONFLICT", "Err": {}}),
        (405, {"message": "Please try again later"}),
        (409, {"message": "head out of date"}),
    ],
)
def test_a_merge_that_does_not_apply_any_more_at_gitea_is_a_conflict(
    tmp_path: Path, gitea: FakeGitea, status: int, said: object
) -> None:
    installation = settings(tmp_path, gitea, timeout=1.5)
    proposed(installation)
    gitea.broken[MERGE] = (status, json.dumps(said).encode())
    with pytest.raises(ConflictError, match="#1: Gitea does not merge it; found "):
        open_forge(installation).merge(1)
