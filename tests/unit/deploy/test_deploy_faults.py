"""What is wrong with a deploy repository is told in one line, and changes nothing."""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from deploy_worlds import BRANCH, World

import millrace.deploy.place as place_module
from millrace.deploy import open_forge, open_repository
from millrace.deploy.process import Ran, check_version, run_git
from millrace.errors import DeployError
from millrace.settings import Settings


def settings(home: Path, repository: object, **more: object) -> Settings:
    return Settings(home=home, deploy_repository=str(repository), **more)  # type: ignore[arg-type]


def fault(of: Settings) -> str:
    with pytest.raises(DeployError) as caught:
        open_repository(of).head()
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    with pytest.raises(DeployError) as caught:
        open_forge(of).pull_requests()
    return text


def bare(folder: Path) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return folder


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    told = fault(settings(tmp_path, tmp_path / "notes"))
    assert told.startswith(f"{tmp_path}/notes: is no bare Git repository; found another folder; ")
    assert "git init --bare" in told
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["a.txt"]


def test_a_file_and_a_path_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "found a file" in fault(settings(tmp_path, tmp_path / "file"))
    assert "found nothing" in fault(settings(tmp_path, tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_a_checkout(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "work")], check=True)
    assert "found a checkout" in fault(settings(tmp_path, tmp_path / "work"))


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    told = fault(Settings(home=tmp_path / "home"))
    assert "the deploy repository cannot be used: " in told


def test_an_empty_repository_gets_its_first_commit(tmp_path: Path) -> None:
    repository = open_repository(settings(tmp_path, bare(tmp_path / "own.git")))
    assert list(repository.files(repository.head(), "")) == ["README.md"]
    assert repository.head() == open_repository(settings(tmp_path, f"{tmp_path}/own.git")).head()


def test_a_repository_without_a_branch_main(world: World) -> None:
    head = world.repository().head()
    world.git("update-ref", "refs/heads/master", head)
    world.git("update-ref", "-d", "refs/heads/main")
    told = fault(world.settings)
    assert "has no branch main; found master; rename one: `git branch -m OLD main`" in told


def test_a_repository_whose_objects_are_broken(world: World) -> None:
    head = world.repository().head()
    (world.folder / "objects" / head[:2] / head[2:]).unlink()
    with pytest.raises(DeployError):
        world.repository().files(head, "churn")


def test_a_record_that_somebody_took_apart(world: World) -> None:
    head = world.repository().head()
    world.git("update-ref", "refs/millrace/pulls/7", head)
    with pytest.raises(DeployError, match=r"the record of a pull request cannot be read.*remove"):
        world.forge().pull_requests()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_server_that_refuses(tmp_path: Path) -> None:
    url = f"http://ada:secret@127.0.0.1:{free_port()}/deploy.git"
    told = fault(settings(tmp_path, url))
    assert "refuses the connection" in told
    assert "secret" not in told
    assert "ada" not in told


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/deploy.git"
        told = fault(settings(tmp_path, url, timeout=0.5))
    assert "did not answer within 0.5 s" in told


def test_a_host_that_has_no_address(tmp_path: Path) -> None:
    told = fault(settings(tmp_path, "http://nowhere.invalid/deploy.git"))
    assert "has a host name that cannot be resolved" in told or "does not do as asked" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_folder_that_may_not_be_written(world: World) -> None:
    head = world.repository().head()
    for folder in (world.folder / "objects", world.folder / "refs" / "heads"):
        folder.chmod(0o555)
    try:
        with pytest.raises(DeployError, match="cannot be read or written"):
            world.repository().commit(head, {"a": b"1"}, "A")
    finally:
        for folder in (world.folder / "objects", world.folder / "refs" / "heads"):
            folder.chmod(0o755)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("fatal: write error: No space left on device", "has no space left"),
        ("error: unable to write file: Read-only file system", "cannot be read or written"),
        (
            "remote: error: insufficient permission for adding an object",
            "cannot be read or written",
        ),
        ("fatal: Authentication failed for 'http://x/'", "does not let us in"),
        ("fatal: something new", "does not do as asked; found fatal: something new"),
    ],
)
@pytest.mark.parametrize("command", ["hash-object", "commit-tree", "push"])
def test_a_disk_or_server_that_does_not_take_it(
    world: World, command: str, said: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = world.repository().head()

    def run(arguments, **rest):  # type: ignore[no-untyped-def]
        if arguments[0] == command:
            return Ran(128, b"", f"{said}\n")
        return run_git(arguments, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(place_module, "run_git", run)
        with pytest.raises(DeployError, match=told):
            world.repository().commit(head, {"a": b"1"}, "A")
        with pytest.raises(DeployError, match=told):
            world.forge().propose(BRANCH, head, {"a": b"1"}, title="T", body="")
    assert world.repository().head() == head
    assert world.forge().pull_requests(state="all") == []


def test_git_that_is_missing_or_too_old(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_version.cache_clear()
    try:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(DeployError, match=r"the git program cannot be run.*install git 2.39"):
            world.repository().commit("0" * 40, {}, "A")
        (tmp_path / "bin").mkdir()
        git = tmp_path / "bin" / "git"
        git.write_text("#!/bin/sh\necho git version 2.34.1\n")
        git.chmod(0o755)
        with pytest.raises(DeployError, match=r"too old.*found git version 2\.34\.1; install"):
            world.repository().commit("0" * 40, {}, "A")
    finally:
        check_version.cache_clear()


def test_a_branch_in_the_way(world: World) -> None:
    head = world.repository().head()
    world.git("update-ref", f"refs/heads/{BRANCH.rpartition('/')[0]}", head)
    with pytest.raises(DeployError, match=r"has another branch in the way.*delete or rename"):
        world.forge().propose(BRANCH, head, {"a": b"1"}, title="T", body="")


@pytest.mark.parametrize("name", [f"refs/heads/{BRANCH}.lock", "refs/heads/main.lock"])
def test_a_lock_that_a_killed_git_left_bars_nobody(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, timeout=1.0)
    head = world.repository().head()
    world.forge().propose(BRANCH, head, {"a": b"1"}, title="T", body="")
    lock = world.folder / name
    lock.touch()
    old = time.time() - 60
    os.utime(lock, (old, old))
    world.forge().merge(1)
    assert world.forge().get(1).state == "merged"
    assert not lock.exists()


def test_a_lock_that_a_killed_git_left_in_a_cache_bars_nobody(tmp_path: Path) -> None:
    world = World(tmp_path, timeout=1.0)
    world.repository().head()
    head = world.repository("laptop").head()
    moved = world.repository().commit(head, {"a": b"1"}, "A")
    lock = tmp_path / "laptop.git" / "refs" / "heads" / "main.lock"
    lock.touch()
    assert world.repository("laptop").head() == moved
    assert not lock.exists()


def test_a_lock_that_somebody_holds_is_waited_for(world: World) -> None:
    head = world.repository().head()
    lock = world.folder / "refs" / "heads" / "main.lock"
    lock.touch()
    world.forge().propose(BRANCH, head, {"a": b"1"}, title="T", body="")
    subprocess.Popen(["sh", "-c", f"sleep 0.3; rm {lock}"])
    world.forge().merge(1)
    assert world.forge().get(1).state == "merged"
