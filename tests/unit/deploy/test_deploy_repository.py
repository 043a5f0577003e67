"""The deploy repository: read at a commit, changed only from the commit that one has seen."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from deploy_worlds import KilledError, World, at_command

from millrace.deploy import open_repository, place
from millrace.errors import ConflictError, DeployError

CLIENTS = pytest.mark.parametrize("client", ["", "laptop"], ids=["folder", "cache"])


def begun(world: World) -> str:
    return world.repository().head()


def test_the_first_use_makes_a_repository_that_says_what_it_is(world: World) -> None:
    head = open_repository(world.settings).head()
    readme = open_repository(world.settings).files(head, "README.md")["README.md"].decode()
    assert readme.startswith("# Deploy repository\n")
    assert world.git("log", "--format=%an <%ae>", "main") == "Millrace <millrace@localhost>"
    assert world.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert [path.name for path in world.home.iterdir()] == ["deploy.git"]


def test_many_first_users_at_once_make_one_repository(world: World) -> None:
    with ThreadPoolExecutor(6) as pool:
        heads = set(pool.map(lambda _: world.repository().head(), range(6)))
    assert len(heads) == 1
    assert [path.name for path in world.home.iterdir()] == ["deploy.git"]


def test_a_repository_that_another_user_makes_in_the_middle_of_a_look_is_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = place._filled

    def made_meanwhile(folder: Path) -> bool:
        monkeypatch.undo()
        world.repository().head()
        return filled(folder)

    monkeypatch.setattr(place, "_filled", made_meanwhile)
    assert list(world.repository().files(world.repository().head(), "")) == ["README.md"]


@pytest.mark.parametrize("number", range(8))
def test_a_first_use_that_is_killed_is_completed_by_the_next(
    world: World, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        raise KilledError

    with at_command(monkeypatch, number, before=kill), suppress(KilledError):
        world.repository().head()
    head = world.repository().head()
    assert list(world.repository().files(head, "")) == ["README.md"]


@CLIENTS
def test_files_are_read_as_they_were_at_a_commit(world: World, client: str) -> None:
    begun(world)
    repository = world.repository(client)
    head = repository.head()
    changes = {"churn/route.yaml": b"a\n", "churn/arms/v1.yaml": b"\x00\xff", "churn2/x": b""}
    first = repository.commit(head, changes, "Add churn")
    second = repository.commit(first, {"churn/route.yaml": None, "ü/é": b"1"}, "Remove")
    assert repository.head() == second
    assert repository.files(first, "churn") == {
        "churn/arms/v1.yaml": b"\x00\xff",
        "churn/route.yaml": b"a\n",
    }
    assert repository.files(second, "churn") == {"churn/arms/v1.yaml": b"\x00\xff"}
    assert repository.files(second, "ü") == {"ü/é": b"1"}
    assert repository.files(head, "churn") == {}
    assert repository.folders(head) == []
    assert repository.folders(second) == ["churn", "churn2", "ü"]


def test_hidden_folders_are_no_workloads(world: World) -> None:
    head = world.repository().commit(begun(world), {".ci/x": b"", "churn/x": b""}, "Add")
    assert world.repository().folders(head) == ["churn"]


def test_links_are_not_followed_nor_read(world: World) -> None:
    begun(world)
    link = world.git("hash-object", "-w", "--stdin", content="/etc/passwd")
    tree = world.git("mktree", content=f"120000 blob {link}\tchurn\n")
    commit = world.git("commit-tree", tree, "-p", "main", "-m", "Link")
    assert world.repository().files(commit, "churn") == {}


@CLIENTS
def test_the_history_of_a_path_is_that_of_the_main_branch(world: World, client: str) -> None:
    begun(world)
    repository = world.repository(client)
    one = repository.commit(repository.head(), {"churn/x": b"1"}, "One: ü\n\nbody")
    two = repository.commit(one, {"other": b"1"}, "Two")
    forge = world.forge(client)
    forge.propose("millrace/churn/a/b", one, {"churn/x": b"2"}, title="Three", body="")
    merged = forge.merge(1)
    told = repository.history(merged, "churn")
    assert [commit.subject for commit in told] == ["Merge pull request #1: Three", "One: ü"]
    assert [commit.id for commit in told] == [merged, one]
    assert abs(told[0].time - time.time()) < 60
    assert repository.history(two, "churn/x")[0].id == one
    assert repository.history(merged, "churn", since=time.time() + 60) == []
    assert repository.history(merged, "nowhere") == []


@CLIENTS
def test_a_commit_on_a_main_branch_that_has_moved_changes_nothing(
    world: World, client: str
) -> None:
    seen = begun(world)
    now = world.repository().commit(seen, {"a": b"1"}, "First")
    with pytest.raises(ConflictError, match="has moved on in the meantime; run again"):
        world.repository(client).commit(seen, {"b": b"1"}, "Second")
    assert world.repository().head() == now


def test_of_many_commits_on_the_same_parent_one_is_made(world: World) -> None:
    seen = begun(world)

    def commit(number: int) -> str | None:
        try:
            return world.repository(f"c{number}").commit(seen, {f"{number}": b""}, f"{number}")
        except ConflictError:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [one for one in pool.map(commit, range(4)) if one]
    assert made == [world.repository().head()]
    assert world.git("rev-list", "--count", "main") == "2"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(7))
def test_a_commit_that_is_killed_is_made_or_not(
    world: World, number: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        raise KilledError

    seen = begun(world)
    hook = {"after": kill} if after else {"before": kill}
    with at_command(monkeypatch, number, **hook), suppress(KilledError):
        world.repository().commit(seen, {"a": b"1"}, "First")
    head = world.repository().head()
    assert world.repository().files(head, "a") in ({}, {"a": b"1"})
    assert (head == seen) == (world.repository().files(head, "a") == {})


def test_the_head_of_a_packed_branch_is_read_and_the_loose_one_holds(world: World) -> None:
    head = begun(world)
    world.git("pack-refs", "--all")
    assert not (world.folder / "refs/heads/main").exists()
    assert world.repository().head() == head
    after = world.repository().commit(head, {"a": b""}, "Move")
    assert world.repository().head() == after


def test_reading_the_head_starts_no_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(world)
    with at_command(monkeypatch, -1) as ran:
        for _ in range(3):
            world.repository().head()
        world.git("pack-refs", "--all")
        world.repository().head()
    assert ran == []


def test_files_of_a_commit_are_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    head = begun(world)
    repository = world.repository()
    first = repository.files(head, "")
    first.clear()
    with at_command(monkeypatch, -1) as ran:
        assert list(repository.files(head, "")) == ["README.md"]
    assert ran == []


def test_a_path_that_leaves_the_repository_is_refused(world: World) -> None:
    head = begun(world)
    for path in ("../x", "/etc/x", "a/../../b", ".git/config", "a/.GIT/x", "", "a//b", "a\nb"):
        with pytest.raises(DeployError, match="cannot stand in a repository"):
            world.repository().commit(head, {path: b"1"}, "Bad")
    assert world.repository().head() == head


@CLIENTS
def test_a_commit_that_nobody_has_is_told(world: World, client: str) -> None:
    begun(world)
    with pytest.raises(DeployError, match="there is no such commit; found 0000"):
        world.repository(client).files("0" * 40, "churn")


def test_a_cache_sees_what_others_do(world: World) -> None:
    begun(world)
    near, far = world.repository("near"), world.repository("far")
    one = near.commit(near.head(), {"a": b"1"}, "One")
    assert far.head() == one
    two = far.commit(one, {"a": b"2"}, "Two")
    assert near.head() == two
    assert near.files(two, "a") == {"a": b"2"}


def test_a_cache_follows_a_main_branch_that_was_rewritten(world: World) -> None:
    first = begun(world)
    cached = world.repository("laptop")
    cached.commit(first, {"a": b"1"}, "One")
    tree = world.git("rev-parse", f"{first}^{{tree}}")
    anew = world.git("commit-tree", tree, "-m", "Anew")
    world.git("update-ref", "refs/heads/main", anew)
    assert cached.head() == anew


def test_a_difference_names_files_and_lines(world: World) -> None:
    head = begun(world)
    base = world.repository().commit(head, {"a": b"1\n2\n", "b": b"1\n"}, "Base")
    changes = {"a": b"1\n3\n4\n", "b": None, "c d": b"5\n"}
    there = world.forge().propose("millrace/churn/a/b", base, changes, title="One", body="")
    world.repository().commit(base, {"z": b"elsewhere"}, "Meanwhile")
    for _ in ("open", "merged"):
        files, text = world.repository().difference(there.head)
        told = {one.path: (one.kind, one.lines_added, one.lines_removed) for one in files}
        assert told == {"a": ("changed", 2, 1), "b": ("removed", 0, 1), "c d": ("added", 1, 0)}
        assert "-2\n+3\n+4\n" in text
        if _ == "open":
            world.forge().merge(1)


def test_a_hook_of_the_repository_is_heard(world: World) -> None:
    head = begun(world)
    hooks = world.folder / "hooks"
    hooks.mkdir()
    hook = hooks / "update"
    hook.write_text("#!/bin/sh\n[ $1 != refs/heads/main ] || { echo main is mine; exit 1; }\n")
    hook.chmod(0o755)
    with pytest.raises(DeployError, match=r"rejects the change by a rule of its own.*main is mine"):
        world.repository().commit(head, {"a": b"1"}, "First")
    forge = world.forge()
    forge.propose("millrace/churn/a/b", head, {"a": b"1"}, title="One", body="")
    with pytest.raises(DeployError, match="main is mine"):
        forge.merge(1)
    assert forge.get(1).state == "open"
    assert world.repository().head() == head


def test_hooks_and_configuration_of_the_user_have_no_say(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = world.home / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {world.home}/touched\nexit 1\n")
        (hooks / name).chmod(0o755)
    config = world.home / "config"
    config.write_text(
        f"[core]\nhooksPath = {hooks}\neditor = false\n[commit]\ngpgSign = true\n"
        "[user]\nname = X\n[push]\ngpgSign = true\n[core]\npager = false\n"
        '[merge]\nconflictStyle = diff3\n[url "nowhere:"]\ninsteadOf = /\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    head = world.repository().head()
    world.repository("cache").commit(head, {"a": b"1"}, "First")
    monkeypatch.delenv("GIT_DIR")
    assert not (world.home / "touched").exists()
    done = subprocess.run(
        ["git", "--git-dir", str(world.folder), "log", "-1", "--format=%an"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Millrace\n"
