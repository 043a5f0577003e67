"""The deploy repository is packed now and then, and whoever reads or writes it notices nothing."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deploy_worlds import BRANCH, World
from fake_gitea import FakeGitea
from gitea_worlds import proposed

from millrace.deploy import open_repository
from millrace.deploy.packing import pack
from millrace.deploy.place import open_place
from millrace.errors import DeployError
from millrace.settings import Settings
from serving.local.packing import keep_packed


def loose(folder: Path) -> list[str]:
    """Return the files of single objects and refs."""
    found = [
        str(Path(where, name).relative_to(folder))
        for top in ("objects", "refs")
        for where, _, names in os.walk(folder / top)  # which does not mind what goes meanwhile
        for name in names
    ]
    return [name for name in found if not name.startswith(("objects/pack", "objects/info"))]


def filled(world: World, count: int = 3) -> World:
    forge, repository = world.forge(), world.repository()
    for number in range(1, count + 1):
        branch = f"millrace/churn/{number}/release"
        changes = {f"churn/{number}": b"1"}
        forge.propose(branch, repository.head(), changes, title=branch, body="B")
        if number % 2:
            forge.merge(number)
    return world


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_packed_is_read_as_before(world: World) -> None:
    filled(world)
    head, pulls = world.forge().look()
    everything = world.forge().pull_requests(state="all")
    files = world.repository().files(head, "")
    assert len(loose(world.folder)) > 20
    asyncio.run(pack(world.settings))
    assert loose(world.folder) == []
    assert world.forge().look() == (head, pulls)
    assert world.repository().head() == head
    assert world.forge().pull_requests(state="all") == everything
    assert world.repository().files(head, "") == files
    world.forge().merge(2)
    assert world.repository().history(world.repository().head(), "")[0].subject.startswith("Merge")


def test_who_reads_and_writes_while_it_is_packed_notices_nothing(world: World) -> None:
    filled(world, 1)
    over = [False]

    def packs() -> int:
        count = 0
        while not over[0]:
            asyncio.run(pack(world.settings))
            count += 1
        return count

    def reads() -> list[str]:
        repository, heads = world.repository(), []
        while not over[0]:
            heads.append(repository.head())
            assert "README.md" in repository.files(heads[-1], "")
        return heads

    def writes() -> None:
        try:
            forge, repository = world.forge(), world.repository()
            for number in range(2, 6):
                branch = f"millrace/churn/{number}/release"
                changes = {f"churn/{number}": b"1"}
                forge.propose(branch, repository.head(), changes, title="T", body="")
                forge.merge(number)
        finally:
            over[0] = True

    with ThreadPoolExecutor(3) as pool:
        packed, read, written = pool.submit(packs), pool.submit(reads), pool.submit(writes)
        written.result()
        assert packed.result() > 1
    order = world.git("rev-list", "--first-parent", "--reverse", "main").split()
    places = [order.index(head) for head in read.result()]
    assert places == sorted(places), "no head was followed by an older one"
    assert {one.state for one in world.forge().pull_requests(state="all")} == {"merged"}
    world.git("fsck", "--strict")


def test_a_cache_is_packed(installation: Settings, gitea: FakeGitea) -> None:
    proposed(installation)
    open_repository(installation).head()  # what was pushed is in its refs
    cache = open_place(installation).folder
    assert loose(cache) != []
    asyncio.run(pack(installation))
    assert loose(cache) == []
    assert gitea.sha(BRANCH)
    assert proposed(installation).number == 1
    assert open_repository(installation).head()


def test_a_repository_that_the_user_brought_is_left_as_it_is(world: World, tmp_path: Path) -> None:
    filled(world)
    before = loose(world.folder)
    brought = Settings(home=tmp_path / "home", deploy_repository=str(world.folder))
    asyncio.run(pack(brought))
    assert loose(world.folder) == before


def test_what_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    asyncio.run(pack(Settings(home=tmp_path / "home")))
    assert not (tmp_path / "home").exists()


def test_the_platform_packs_at_its_start_and_again_later(world: World) -> None:
    filled(world)

    async def runs() -> None:
        task = asyncio.create_task(keep_packed(world.settings, print, every=0.01))
        try:
            for when in ("at its start", "later"):
                await asyncio.to_thread(eventually, lambda: not loose(world.folder))
                world.repository().commit(world.repository().head(), {"a": when.encode()}, when)
        finally:
            task.cancel()

    asyncio.run(runs())


def with_git(folder: Path, script: str, patch: pytest.MonkeyPatch) -> None:
    """Put another git program before the real one."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    patch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


def test_what_bars_packing_is_told_and_the_platform_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.repository().head()
    with_git(world.home, "echo 'fatal: No space left on device' >&2; exit 128", monkeypatch)
    with pytest.raises(DeployError, match="has no space left"):
        asyncio.run(pack(world.settings))
    told: list[tuple[str, str]] = []

    async def runs() -> bool:
        task = asyncio.create_task(keep_packed(world.settings, lambda *said: told.append(said)))
        await asyncio.to_thread(eventually, lambda: bool(told))
        running = not task.done()
        task.cancel()
        return running

    assert asyncio.run(runs())
    assert told[0][0] == "not_packed"
    assert "\n" not in told[0][1]


def test_an_end_of_the_platform_ends_git(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.repository().head()
    with_git(world.home, f"echo $$ > {world.home}/pid; exec sleep 600", monkeypatch)
    number = world.home / "pid"

    async def ended() -> None:
        task = asyncio.create_task(pack(world.settings))
        await asyncio.to_thread(eventually, lambda: number.exists() and bool(number.read_text()))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ended())
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)
