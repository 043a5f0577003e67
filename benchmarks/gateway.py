"""Traffic while weights change and arms are replaced, through the platform of `millrace up`.

The platform runs in a process of its own, with a real deploy repository, real bundles and Envoy,
but without the rollout controller, whose place this benchmark takes. Open-loop traffic goes on all
the while, REST and gRPC.

A weight change begins when Git has written the branch, as the time of its file says: from then on
the commit can be read. An arm that loses all its weight must answer no more: the change ends with
the first answer after its last, on every connection that the probe asks on. Where an arm gets 5 %,
the change ends with its first answer; chance adds some twenty requests of the probe to that. An
arm is replaced when the processes of the old one are gone.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.gateway_probe import WAIT, probing
from benchmarks.predictor_servers import BUILD, NAME, ROOT, Bundle, bundle, free_ports, retrain
from benchmarks.rows import Row, against_goal
from millrace.deploy import open_repository
from millrace.deploy.place import MAIN
from millrace.release import ArmRef, Canary, Release, arm_name, site_of, write_release
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from serving.local.state import PlatformState, read_state
from serving.traffic.ledger import TrafficReport
from serving.traffic.mix import Mix, Request
from serving.traffic.open_loop import Plan, encode_pool, send_traffic
from serving.traffic.target import Target, target_of

CHANGES = 100
REPLACEMENTS = 20
RATE = 100.0


@dataclass(frozen=True)
class Move:
    """A change of weights: percent by version, and which version begins or ends to answer."""

    weights: dict[int, int]
    begins: str = ""
    ends: str = ""


MOVES = (
    Move({1: 95, 2: 5}, begins="2"),
    Move({1: 0, 2: 100}, ends="1"),
    Move({1: 5, 2: 95}, begins="1"),
    Move({1: 100, 2: 0}, ends="2"),
)


def run() -> list[Row]:
    """Return how long a weight change takes, and how many requests were lost."""
    first = bundle()
    digests = (first.digest, _second(first))
    home = BUILD / "gateway"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "feast").symlink_to(first.home.resolve() / "feast")
    (port,) = free_ports(1)
    settings = Settings(home=home, bucket_folder=first.settings.store_folder, gateway_port=port)
    target = target_of("", NAME, settings)
    mix = Mix(grpc=0.2, keys=0.5)
    pool = encode_pool(mix, first.rows(), target, NAME, seed=0)
    deploy = Deploy(settings, digests)
    deploy.release({1: 100})
    with Running(settings):
        changes, moved = asyncio.run(_weights(deploy, pool, target))
        replaced = asyncio.run(_arms(deploy, pool, target))
    return [
        against_goal(
            "weight change to changed split, median s", statistics.median(changes), at_most=1
        ),
        against_goal("weight change to changed split, worst s", max(changes), at_most=1),
        against_goal(f"requests lost over {CHANGES} weight changes", _lost(moved), at_most=0),
        against_goal(
            f"requests lost over {REPLACEMENTS} arm replacements", _lost(replaced), at_most=0
        ),
    ]


class Deploy:
    """Writes releases to the deploy repository."""

    def __init__(self, settings: Settings, digests: tuple[str, str]) -> None:
        self.settings = settings
        self._digests = digests

    def release(self, weights: dict[int, int]) -> str:
        """Commit a release with these weights by version, the stable arm first."""
        refs = [
            ArmRef(version=v, digest=self._digests[v % 2], name=arm_name(NAME, v)) for v in weights
        ]
        release = Release(
            workload=NAME,
            stable=refs[0],
            canary=Canary(**refs[1].model_dump()) if len(refs) > 1 else None,
            weights={arm_name(NAME, version): weight for version, weight in weights.items()},
            serving=Serving(),
            rollout=Rollout(),
        )
        repository = open_repository(self.settings)
        head = repository.head()
        gone: dict[str, bytes | None] = dict.fromkeys(repository.files(head, NAME))
        files = write_release(release, site_of(self.settings))
        return repository.commit(head, {**gone, **files}, f"Split {NAME}: {weights}")

    def visible_since(self) -> float:
        """Return when Git has written the branch, as Unix time in seconds."""
        return (Path(self.settings.deploy_url) / MAIN).stat().st_mtime

    async def applied(self, commit: str) -> PlatformState:
        """Return the platform's state once a commit is applied."""
        until = time.perf_counter() + WAIT
        while time.perf_counter() < until:
            state = await asyncio.to_thread(read_state, self.settings)
            if state is not None and state.applied == commit:
                return state
            await asyncio.sleep(0.02)
        raise SystemExit(f"the platform does not apply {commit}: {state}")


async def _weights(
    deploy: Deploy, pool: list[Request], target: Target
) -> tuple[list[float], TrafficReport]:
    """Move all the traffic between two arms, by way of 5 %; return the seconds of each move."""
    await deploy.applied(await asyncio.to_thread(deploy.release, {1: 100, 2: 0}))
    request = next(request.content for request in pool if request.protocol == "v2")
    taken = []
    async with _traffic(pool, target) as reports, probing(target, request) as probe:
        for move in itertools.islice(itertools.cycle(MOVES), CHANGES):
            probe.begin()
            commit = await asyncio.to_thread(deploy.release, move.weights)
            visible = deploy.visible_since()
            ended = await (probe.begun(move.begins) if move.begins else probe.over(move.ends))
            taken.append(ended - visible)
            await deploy.applied(commit)
    return taken, reports[0]


async def _arms(deploy: Deploy, pool: list[Request], target: Target) -> TrafficReport:
    """Replace the arm that serves by a new one, again and again."""
    await deploy.applied(await asyncio.to_thread(deploy.release, {1: 100}))
    async with _traffic(pool, target) as reports:
        for old, new in itertools.pairwise(range(1, REPLACEMENTS + 2)):
            await deploy.applied(await asyncio.to_thread(deploy.release, {old: 100, new: 0}))
            moved = {old: 0, new: 100}
            state = await deploy.applied(await asyncio.to_thread(deploy.release, moved))
            leaving = _processes(state, arm_name(NAME, old))
            await deploy.applied(await asyncio.to_thread(deploy.release, {new: 100}))
            await _gone(leaving)
    return reports[0]


def _processes(state: PlatformState, arm: str) -> list[psutil.Process]:
    found = state.arm(arm)
    return [psutil.Process(one.pid) for one in found.replicas if one.pid] if found else []


async def _gone(processes: list[psutil.Process]) -> None:
    until = time.monotonic() + WAIT
    while any(one.is_running() for one in processes):
        if time.monotonic() > until:
            raise SystemExit(f"a replaced arm does not end: {processes}")
        await asyncio.sleep(0.02)


@asynccontextmanager
async def _traffic(pool: list[Request], target: Target) -> AsyncIterator[list[TrafficReport]]:
    """Send traffic meanwhile; the list holds its report afterwards."""
    stop, reports = asyncio.Event(), list[TrafficReport]()
    sending = asyncio.create_task(send_traffic(Plan(RATE, 3600, 0), pool, target, stop=stop))
    try:
        yield reports
    finally:
        stop.set()
        reports.append(await sending)
        report = reports[0]
        print(f"  {report.sent} sent, answered {report.answered}, lost {report.lost_because}")
        print(f"  sent again {report.retried}, p99 {report.latency.p99} ms")


def _lost(report: TrafficReport) -> int:
    """Return the requests without a good answer."""
    return report.lost + report.errors + report.unsent


def _second(first: Bundle) -> str:
    """Return the digest of another bundle of the workload, made once with another seed."""
    there = {folder.name for folder in first.folder.parent.iterdir()} - {first.digest}
    if not there:
        workload = BUILD / "second" / NAME
        shutil.copytree(ROOT / "workloads" / NAME, workload, dirs_exist_ok=True)
        declared = workload / "workload.yaml"
        declared.write_text(declared.read_text().replace("seed: 7", "seed: 8"))
        retrain(workload, first.home)
        there = {folder.name for folder in first.folder.parent.iterdir()} - {first.digest}
    return min(there)


class Running:
    """The platform in a process of its own, until the end of the block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = BUILD / "gateway.log"

    def __enter__(self) -> None:
        environment = {
            **os.environ,
            "MILLRACE_HOME": str(self._settings.home),
            "MILLRACE_BUCKET_FOLDER": str(self._settings.store_folder),
            "MILLRACE_GATEWAY_PORT": str(self._settings.gateway_port),
        }
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.gateway"],
                env=environment,
                stdout=log,
                stderr=log,
            )

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


async def _run_platform(settings: Settings) -> None:
    from serving.local.platform import Platform

    def tell(event: str, line: str) -> None:
        print(event, line, flush=True)

    work = asyncio.ensure_future(Platform(settings, tell, controller=False).run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    from millrace.settings import load_settings
    from serving.local.instance import only_platform

    found = load_settings()
    with only_platform(found):
        asyncio.run(_run_platform(found))
