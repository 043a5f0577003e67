"""Pull requests of a deploy repository without a forge, by command and by plain git."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deploy_worlds import BRANCH, World, at_command

from millrace.deploy import PullRequest
from millrace.deploy.place import Place
from millrace.errors import BranchTakenError, ConflictError, DeployError
from serving.rollout.look import Lookout

CLIENTS = pytest.mark.parametrize("client", ["", "laptop"], ids=["folder", "cache"])


def proposed(world: World, client: str = "", **more: object) -> PullRequest:
    head = world.repository().head()
    said = {"title": "Release churn-v8", "body": "# Evidence\n\nAUC 0.85 > 0.84\n", **more}
    return world.forge(client).propose(BRANCH, head, {"churn/x": b"8\n"}, **said)  # type: ignore[arg-type]


@CLIENTS
def test_a_proposal_is_a_branch_and_says_its_evidence(world: World, client: str) -> None:
    there = proposed(world, client)
    assert (there.number, there.branch, there.state, there.draft) == (1, BRANCH, "open", False)
    assert there.body == "# Evidence\n\nAUC 0.85 > 0.84\n"
    assert abs(there.created - time.time()) < 60
    assert world.git("rev-parse", BRANCH) == there.head
    assert world.git("show", f"{BRANCH}:churn/x") == "8"
    assert world.git("log", "-1", "--format=%B", BRANCH).startswith("Release churn-v8\n\n# Evid")
    assert world.forge().find(BRANCH) == world.forge().get(1) == there
    assert world.forge().pull_requests() == [there]


def test_pull_requests_are_listed_by_workload_and_state(world: World) -> None:
    forge, head = world.forge(), world.repository().head()
    for name in ("churn/a/b", "churn/c/d", "churn2/a/b"):
        forge.propose(f"millrace/{name}", head, {name: b""}, title=name, body="")
    forge.merge(1)
    forge.close(2, "superseded")
    assert [one.number for one in forge.pull_requests()] == [3]
    assert [one.number for one in forge.pull_requests("churn", "all")] == [2, 1]
    assert [one.number for one in forge.pull_requests(state="merged")] == [1]
    assert [one.number for one in forge.pull_requests(state="closed")] == [2]
    assert forge.pull_requests("nobody", "all") == []
    assert forge.find("millrace/nobody/a/b") is None


@CLIENTS
def test_a_look_is_the_head_and_what_is_open_at_one_moment(world: World, client: str) -> None:
    there = proposed(world)
    merged = world.person_merges(BRANCH)
    assert world.forge(client).look() == (merged, [])
    again = proposed(world, known=there.number)
    assert world.forge(client).look() == (merged, [again])


def test_a_round_of_the_controller_asks_a_server_for_its_refs_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = proposed(world)
    lookout = Lookout(world.repository("laptop"), world.forge("laptop"))
    for _ in ("the first", "the next"):
        with at_command(monkeypatch, -1) as ran:
            assert lookout.look() == (world.repository().head(), [], [there])
        assert [command[0] for command in ran].count("fetch") == 1


@CLIENTS
def test_who_proposes_the_same_gets_the_same(world: World, client: str) -> None:
    first = proposed(world)
    assert proposed(world, client, title="Another") == first
    assert world.git("for-each-ref", "refs/millrace").count("\n") == 0


def test_many_at_once_open_one_pull_request_a_branch_and_numbers_are_unique(world: World) -> None:
    head = world.repository().head()

    def propose(index: int) -> tuple[str, int]:
        branch = f"millrace/churn/{index % 3}/release"
        forge = world.forge(f"c{index}" if index % 2 else "")
        return branch, forge.propose(branch, head, {"x": b"1"}, title=branch, body="").number

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(propose, range(6)))
    assert sorted(number for _, number in found) == [1, 2, 3]
    assert len(world.forge().pull_requests()) == 3


@CLIENTS
def test_a_merge_is_a_merge_commit_with_the_evidence(world: World, client: str) -> None:
    there = proposed(world)
    before = world.repository().head()
    merged = world.forge(client).merge(1)
    assert world.repository().head() == merged
    assert world.git("log", "-1", "--format=%P", "main") == f"{before} {there.head}"
    message = world.git("log", "-1", "--format=%B", "main")
    assert message.startswith("Merge pull request #1: Release churn-v8\n\n# Evidence\n")
    assert world.git("branch", "--list", BRANCH) == ""
    found = world.forge().find(BRANCH)
    assert found is not None
    assert (found.state, found.head, found.merged) == ("merged", there.head, merged)


def test_a_merge_takes_what_the_main_branch_has_got_meanwhile(world: World) -> None:
    proposed(world)
    world.repository().commit(world.repository().head(), {"other/x": b"1"}, "Meanwhile")
    merged = world.forge().merge(1)
    assert set(world.repository().files(merged, "")) == {"README.md", "other/x", "churn/x"}


def test_a_merge_that_the_main_branch_overtakes_is_made_on_top(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed(world)

    def meanwhile() -> None:
        world.person_commits("main")

    with at_command(monkeypatch, 4, before=meanwhile) as ran:
        merged = world.forge().merge(1)
    assert [command[0] for command in ran].count("push") == 2
    assert world.git("log", "-1", "--format=%s", f"{merged}^") == "by hand"


@CLIENTS
def test_a_conflict_names_the_files_and_changes_nothing(world: World, client: str) -> None:
    proposed(world)
    head = world.repository().head()
    moved = world.repository().commit(head, {"churn/x": b"9\n", "other": b""}, "Meanwhile")
    with pytest.raises(ConflictError, match=r"#1: it no longer applies.*conflicts in churn/x; "):
        world.forge(client).merge(1)
    assert world.repository().head() == moved
    assert world.forge().get(1).state == "open"


def test_a_new_arm_that_resembles_a_removed_one_is_no_rename(world: World) -> None:
    arm = b"".join(b"line %d\n" % n for n in range(30))
    base = world.repository().commit(world.repository().head(), {"a/v7": arm}, "Add v7")
    changes = {"a/v7": None, "a/v8": arm}
    world.forge().propose(BRANCH, base, changes, title="Replace", body="")
    world.repository().commit(base, {"a/v7": arm + b"more\n"}, "Change v7")
    with pytest.raises(ConflictError, match="conflicts in a/v7"):
        world.forge().merge(1)


def test_a_draft_is_not_merged_until_it_is_none(world: World) -> None:
    there = proposed(world, draft=True)
    with pytest.raises(ConflictError, match=r"#1: it is a draft; what it waits for: .*show 1"):
        world.forge().merge(1)
    updated = world.forge().update(
        1,
        world.repository().head(),
        {"churn/x": b"8\n"},
        title=there.title,
        body=there.body,
        draft=False,
    )
    assert updated.head == there.head
    world.forge().merge(1)


def test_two_changes_of_one_file_are_not_mixed(world: World) -> None:
    lines = [b"%d\n" % n for n in range(30)]
    base = world.repository().commit(world.repository().head(), {"a": b"".join(lines)}, "Base")
    said = {"title": "T", "body": ""}
    world.forge().propose(BRANCH, base, {"a": b"".join([b"top\n", *lines])}, **said)
    world.repository().commit(base, {"a": b"".join([*lines, b"end\n"])}, "Meanwhile")
    with pytest.raises(ConflictError, match="conflicts in a;"):
        world.forge().merge(1)


def test_a_branch_without_a_common_history_is_a_conflict(world: World) -> None:
    proposed(world)
    alone = world.git("commit-tree", "main^{tree}", "-m", "Alone")
    world.git("update-ref", f"refs/heads/{BRANCH}", alone)
    with pytest.raises(ConflictError, match="no commit that both come from"):
        world.forge().merge(1)


@CLIENTS
def test_an_update_proposes_something_else_under_the_same_number(world: World, client: str) -> None:
    proposed(world)
    base = world.repository().commit(world.repository().head(), {"other": b"1"}, "Meanwhile")
    forge = world.forge(client)
    said = {"title": "Release churn-v9", "body": "New", "draft": True}
    updated = forge.update(1, base, {"churn/y": b"9\n"}, **said)  # type: ignore[arg-type]
    assert world.forge().get(1) == updated
    assert (updated.title, updated.body, updated.draft) == ("Release churn-v9", "New", True)
    assert world.git("log", "-1", "--format=%P", BRANCH) == base
    assert world.git("ls-tree", "-r", "--name-only", BRANCH) == "README.md\nchurn/y\nother"
    commits = world.git("rev-list", "--all", "--count")
    assert forge.update(1, base, {"churn/y": b"9\n"}, **said) == updated  # type: ignore[arg-type]
    assert world.git("rev-list", "--all", "--count") == commits


def test_an_update_leaves_what_a_person_has_pushed_to_the_branch(world: World) -> None:
    proposed(world)
    pushed = world.person_commits(BRANCH)
    assert world.forge().get(1).head == pushed
    with pytest.raises(BranchTakenError, match="#1: a person has pushed to its branch"):
        world.forge().update(1, world.repository().head(), {}, title="T", body="", draft=False)
    world.forge().merge(1)
    assert world.git("log", "-1", "--format=%s", "main^2") == "by hand"


def test_an_update_that_is_always_overtaken_does_not_blame_a_person_s_push(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, timeout=0.5)
    proposed(world)
    monkeypatch.setattr(Place, "update", lambda *_: False)
    with pytest.raises(ConflictError, match="others have changed it all the time") as caught:
        world.forge().update(1, world.repository().head(), {}, title="T", body="", draft=False)
    assert not isinstance(caught.value, BranchTakenError)


@CLIENTS
def test_closing_keeps_the_reason_and_the_commit(world: World, client: str) -> None:
    there = proposed(world)
    for _ in range(2):
        world.forge(client).close(1, "superseded by #2")
    closed = world.forge().get(1)
    assert (closed.state, closed.comment, closed.head) == ("closed", "superseded by #2", there.head)
    assert world.git("branch", "--list", BRANCH) == ""
    world.git("gc", "--prune=now", "--quiet")
    assert world.repository(client).difference(there.head)[0][0].path == "churn/x"


def test_what_is_settled_is_neither_merged_nor_updated(world: World) -> None:
    proposed(world)
    world.forge().close(1, "")
    head = world.repository().head()
    with pytest.raises(ConflictError, match="pull request #1: it is closed already; open ones"):
        world.forge().merge(1)
    with pytest.raises(ConflictError, match="it is closed already") as caught:
        world.forge().update(1, head, {}, title="T", body="", draft=False)
    assert not isinstance(caught.value, BranchTakenError)
    proposed(world)
    world.forge().merge(2)
    with pytest.raises(ConflictError, match="it is merged already"):
        world.forge().close(2, "")


def test_a_number_that_nobody_has_is_told_with_the_open_ones(world: World) -> None:
    with pytest.raises(DeployError, match=r"#1: there is no such pull request; all of them"):
        world.forge().get(1)
    proposed(world)
    with pytest.raises(DeployError, match=r"expected one of the open ones: #1"):
        world.forge().merge(12)


def test_a_closed_proposal_may_be_made_again_by_who_knows_of_it(world: World) -> None:
    proposed(world)
    world.forge().close(1, "")
    assert proposed(world, known=0).number == 1
    again = proposed(world, known=1)
    assert (again.number, again.state) == (2, "open")
    assert world.forge().find(BRANCH) == again


def test_a_merge_that_the_proposer_has_not_seen_is_not_proposed_again(world: World) -> None:
    seen = world.repository().head()
    proposed(world)
    merged = world.forge().merge(1)
    said = {"title": "T", "body": ""}
    late = world.forge().propose(BRANCH, seen, {"churn/x": b"8\n"}, **said)
    assert (late.number, late.state) == (1, "merged")
    assert world.forge().propose(BRANCH, merged, {"churn/x": b"9\n"}, **said).number == 2
