"""A town: one workload with a controller that looks on while time passes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from rollout_git import Clock, Git
from rollout_registry import Registry
from rollout_releases import (
    SITE,
    arm,
    begin,
    bring,
    candidate,
    release_at,
)
from rollout_traffic import Arms, Gateway, plain_judge

from millrace.workload.rollout import Rollout
from serving.rollout.controller import Controller, World
from serving.rollout.evidence import Judge
from serving.rollout.status import RolloutStatus

QUICK = {"interval": "10s", "minSamples": 20, "inconclusiveLimit": 6, "maxDuration": "1h"}


@dataclass
class Town:
    git: Git
    arms: Arms
    gateway: Gateway
    registry: Registry
    told: dict[str, RolloutStatus]
    world: World
    controller: Controller
    weights: dict[str, dict[str, int]] = field(default_factory=dict)

    def restart(self, judge: Judge | None = None) -> None:
        """End the controller and start another."""
        self.world = replace(self.world, judge=judge or self.world.judge)
        self.controller = Controller(self.world)

    def go(self, seconds: float, *, tick: float = 5.0) -> None:
        """Let time pass, with the controller looking on."""
        until = self.git.clock() + seconds
        while self.git.clock() < until:
            self.git.clock.now += tick
            if self.git.main not in self.weights:
                self.weights[self.git.main] = release_at(self.git).weights
            self.gateway.serve(self.weights[self.git.main], tick)
            self.gateway.scrape()
            self.look()

    def look(self) -> None:
        self.git.actor = "controller"
        for _ in range(20):
            if not self.controller.round():
                break
        else:
            pytest.fail("the controller does not come to rest")
        self.git.actor = "person"

    def merge(self, verb: str) -> None:
        pull = next(one for one in self.git.pull_requests() if one.branch.endswith(verb))
        self.git.merge(pull.number)

    def ready(self, version: int) -> None:
        self.arms.ready_ones[arm(version).name] = arm(version).digest

    def start(self, version: int = 8, **more: object) -> None:
        bring(self.git, candidate(version, **more))
        self.git.merge(self.git.pull_requests()[0].number)
        self.ready(version)

    @property
    def phase(self) -> str:
        return release_at(self.git).position.phase

    @property
    def weight(self) -> int:
        release = release_at(self.git)
        return release.weights[release.canary.name] if release.canary else -1

    def open(self) -> list[str]:
        return [
            one.branch.rpartition("/")[2] + (" (draft)" if one.draft else "")
            for one in self.git.pull_requests()
        ]


def town(rollout: dict[str, object] | None = None) -> Town:
    spec = {
        "steps": [{"setWeight": 10}, {"setWeight": 50}],
        "analysis": QUICK,
        "policy": {"promote": "auto"},
        **(rollout or {}),
    }
    clock = Clock()
    git, arms, registry = Git(clock), Arms(), Registry()
    gateway = Gateway(clock, arms)
    told: dict[str, RolloutStatus] = {}
    begin(git, Rollout.model_validate(spec))
    world = World(
        git,
        git,
        gateway,
        arms,
        registry,
        plain_judge,
        SITE,
        clock,
        lambda s: told.update({s.workload: s}),
    )
    made = Town(git, arms, gateway, registry, told, world, Controller(world))
    made.ready(7)
    made.go(20)
    return made
