"""Canaries on real Git, a real metrics log and the real analysis; only traffic is simulated."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import structlog

from millrace.analysis import judge
from millrace.deploy import open_forge, open_repository
from millrace.deploy.base import Changes, Commit, Forge, Repository
from millrace.release import (
    ArmRef,
    Canary,
    Release,
    Site,
    branch_of,
    canary_arm,
    first_release,
    propose_candidate,
    read_release,
)
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from serving.local.instance import only_platform
from serving.local.state import ArmState, PlatformState, state_file
from serving.metrics.log import MetricsLog, Scrape
from serving.rollout.controller import Controller, World
from serving.rollout.status import StatusFiles, read_status

SITE = Site()
OLD = ArmRef(version=7, digest="7" * 64, name="churn-v7")
NEW = Canary(version=8, digest="8" * 64, name="churn-v8", score_distance=0.05)
ROLLOUT = Rollout.model_validate(
    {
        "steps": [{"setWeight": 10}, {"setWeight": 50}],
        "analysis": {"interval": "30s", "minSamples": 200},
        "policy": {"promote": "auto"},
    }
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    def drop(*_: object) -> dict[str, object]:
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[drop])
    yield
    structlog.configure(**before)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Fuse:
    """How many more operations a process lives to see; None for all it wants."""

    left: int | None = None


class Guarded:
    """A repository or forge whose user is killed before or after one of its operations."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._burn()
            told = getattr(self._inner, name)(*args, **kwargs)
            self._burn()
            return told

        return call

    def _burn(self) -> None:
        if self._fuse.left is not None:
            self._fuse.left -= 1
            if self._fuse.left < 0:
                raise Killed


@dataclass
class Town:
    """A home with a deploy repository, two arms and traffic, under a clock of its own."""

    home: Path
    bad: bool = False
    now: float = 1_000_000.0
    times: dict[str, float] = field(default_factory=dict)
    counted: dict[tuple[str, str], float] = field(default_factory=dict)
    promoted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.home)
        self.git, self.forge = open_repository(self.settings), open_forge(self.settings)
        self.log = MetricsLog(self.settings.platform_folder / "metrics.db")
        self.log._file.parent.mkdir(parents=True)
        self.random = np.random.default_rng(7)

    def clock(self) -> float:
        return self.now

    def ready(self, arm: str, digest: str) -> bool:
        return digest in (OLD.digest, NEW.digest)

    def promote(self, name: str, digest: str) -> None:
        self.promoted.append(digest)

    def controller(self, fuse: Fuse | None = None) -> Controller:
        tell = StatusFiles(self.settings).write
        git: Any = Timed(self.git, self)
        git, forge = (Guarded(one, fuse) if fuse else one for one in (git, self.forge))
        return Controller(World(git, forge, self.log, self, self, judge, SITE, self.clock, tell))

    def release(self) -> Release:
        return read_release(self.git.files(self.git.head(), "churn"), "churn")

    def weight(self) -> int:
        release = self.release()
        return release.weights[NEW.name] if release.canary else -1

    def edit(self, *texts: bytes) -> None:
        """Change each text that stands in rollout.yaml to the one that follows it."""
        head, path = self.git.head(), "churn/rollout.yaml"
        content = self.git.files(head, "churn")[path]
        found = next(n for n, text in enumerate(texts) if text in content)
        changed = content.replace(texts[found], texts[found + 1])
        self.git.commit(head, {path: changed}, "by hand")

    def serve(self, seconds: int) -> None:
        """Answer 200 requests a second: 1 % errors, 5 % slow, 20 times that if it is bad."""
        for arm, weight in self.release().weights.items():
            requests = self.random.poisson(2 * weight * seconds)
            worse = self.bad and arm == NEW.name
            errors = self.random.binomial(requests, 0.2 if worse else 0.01)
            slow = self.random.binomial(requests, 0.05)
            scores = self.random.multinomial(requests, [0.4, 0.3, 0.2, 0.1])
            counters = {"requests": requests, "errors": errors, "fast": requests - slow}
            counters |= {f"score/{number}": int(count) for number, count in enumerate(scores)}
            for counter, count in counters.items():
                key = (arm, counter)
                self.counted[key] = self.counted.get(key, 0.0) + float(count)
        scrapes = []
        for arm in sorted({arm for arm, _ in self.counted}):
            counters = {name: count for (of, name), count in self.counted.items() if of == arm}
            scrapes.append(Scrape(self.now, arm, "envoy/1", counters))
        self.log.append(scrapes, self.now)


class Timed:
    """A repository whose commits have the time of the town's clock at which they are first seen."""

    def __init__(self, inner: Repository, town: Town) -> None:
        self._inner, self._town = inner, town

    def head(self) -> str:
        return self._inner.head()

    def files(self, commit: str, folder: str) -> dict[str, bytes]:
        return self._inner.files(commit, folder)

    def folders(self, commit: str) -> list[str]:
        return self._inner.folders(commit)

    def history(self, commit: str, path: str, *, since: float = 0.0) -> list[Commit]:
        found = self._inner.history(commit, path)
        times, now = self._town.times, self._town.now
        return [one.model_copy(update={"time": times.setdefault(one.id, now)}) for one in found]

    def commit(self, parent: str, changes: Changes, message: str) -> str:
        return self._inner.commit(parent, changes, message)

    def difference(self, head: str) -> object:
        return self._inner.difference(head)


def release_a_canary(git: Repository, forge: Forge, rollout: Rollout) -> None:
    """Release version 7, and put version 8 on trial by a merged pull request."""
    made = first_release("churn", OLD, Serving(), rollout, SITE, now=time.time())
    head = git.commit(git.head(), made, "First release")
    files = git.files(head, "churn")
    release = read_release(files, "churn")
    arm = canary_arm(files, release, NEW, Serving(), SITE)
    changes = propose_candidate(
        files, release, NEW, arm, serving=Serving(), rollout=rollout, now=time.time()
    )
    branch = branch_of("churn", NEW, "release")
    forge.merge(forge.propose(branch, head, changes, title="Release", body="", known=0).number)


def until_it_ends(town: Town, controllers: Callable[[], Controller]) -> list[int]:
    """Let time pass until nothing is on trial; return the canary's weights in order."""
    weights, controller = [0], controllers()
    for turn in range(400):
        town.now += 5
        town.serve(5)
        if turn % 7 == 0:  # whatever it remembers is not needed
            controller = controllers()
        while controller.round():
            town.now += 0.1
        release = town.release()
        if release.canary is None:
            return weights
        weight = release.weights[NEW.name]
        if weight != weights[-1]:
            weights.append(weight)
    pytest.fail(f"the rollout does not end: {town.release().position}")


def test_a_good_canary_is_promoted_by_its_evidence(tmp_path: Path) -> None:
    town = Town(tmp_path)
    release_a_canary(town.git, town.forge, ROLLOUT)
    assert until_it_ends(town, town.controller) == [0, 10, 50, 100]
    assert town.release().stable.name == NEW.name
    assert town.promoted[-1] == NEW.digest
    merged = [one.title for one in town.forge.pull_requests("churn", "merged")]
    assert len(merged) == 4
    assert town.forge.pull_requests("churn") == []
    status = read_status(town.settings, "churn")
    assert status is not None
    assert (status.phase, status.canary) == ("stable", "")


def test_a_bad_canary_is_rolled_back_by_its_evidence(tmp_path: Path) -> None:
    town = Town(tmp_path, bad=True)
    release_a_canary(town.git, town.forge, ROLLOUT)
    assert until_it_ends(town, town.controller) == [0, 10, 0]
    assert town.release().stable.name == OLD.name
    assert NEW.digest not in town.promoted
    rolled_back = town.forge.pull_requests("churn", "merged")[0]
    assert "Roll back churn v8" in rolled_back.title
    assert "errors" in rolled_back.body


def test_two_that_are_killed_all_the_time_lose_no_step_and_take_none_twice(tmp_path: Path) -> None:
    town, random = Town(tmp_path), Random(4)
    release_a_canary(town.git, town.forge, ROLLOUT)
    fuses = [Fuse(), Fuse()]
    controllers = [town.controller(fuse) for fuse in fuses]
    weights, edits = [0], 0
    for turn in range(400):
        town.now += 5
        town.serve(5)
        for number in random.sample(range(2), 2):
            fuses[number].left = random.choice([None, random.randrange(24)])
            try:
                controllers[number].round()
            except Killed:
                fuses[number].left = None
                controllers[number] = town.controller(fuses[number])
            weights += [one for one in [town.weight()] if one != weights[-1]]
        if turn % 15 == 0 and town.release().canary is not None:
            edits += 1  # a person comes in between
            town.edit(b"maxDuration: 1d", b"maxDuration: 25h", b"maxDuration: 1d")
        if town.release().canary is None:
            break
    assert edits > 1
    assert weights == [0, 10, 50, 100, -1]
    branches = [one.branch.rpartition("/")[2] for one in town.forge.pull_requests("churn", "all")]
    assert branches == ["promote", "step-1-advance", "step-0-advance", "release"]


def test_the_process_gives_a_first_weight_and_is_killed_and_started_again(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    git, forge = open_repository(settings), open_forge(settings)
    review = ROLLOUT.model_copy(
        update={"policy": ROLLOUT.policy.model_copy(update={"advance": "review"})}
    )
    release_a_canary(git, forge, review)
    first = start(tmp_path)
    try:
        with only_platform(settings):
            report_ready(settings)
            wait(lambda: len(forge.pull_requests("churn")) == 1, first)
            first.kill()
            first.wait()
            second = start(tmp_path)
            try:
                forge.merge(forge.pull_requests("churn")[0].number)
                wait(lambda: said(settings) == "progressing", second)
                second.send_signal(signal.SIGTERM)
                assert second.wait(10) == 0
            finally:
                end(second)
    finally:
        end(first)
    release = read_release(git.files(git.head(), "churn"), "churn")
    assert release.weights == {OLD.name: 90, NEW.name: 10}
    assert len(forge.pull_requests("churn", "all")) == 2


def report_ready(settings: Settings) -> None:
    arms = [
        ArmState(
            name=arm.name,
            workload="churn",
            version=str(arm.version),
            digest=arm.digest,
            latency=0.05,
            phase="ready",
        )
        for arm in (OLD, NEW)
    ]
    state = PlatformState(pid=1, started=0.0, gateway_port=8080, arms=arms)
    state.write(state_file(settings))


def said(settings: Settings) -> str | None:
    status = read_status(settings, "churn")
    return status.phase if status else None


def start(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "serving.rollout"],
        env={"MILLRACE_HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[2],
        stderr=(home / "rollout.log").open("ab"),
    )


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def wait(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None, "the controller ended"
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
