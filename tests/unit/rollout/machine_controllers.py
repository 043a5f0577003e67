"""Two controllers that are killed and overtaken, in a world whose parts fail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from machine_checks import AWAY, Checked, Checks, Watch, ready
from rollout_fuse import Fuse, Killed
from rollout_git import Clock, Git
from rollout_registry import Registry
from rollout_releases import SITE, arm, begin
from rollout_traffic import Arms, Gateway, plain_judge

from millrace.analysis import Interval, Judgement, Limits
from millrace.workload.rollout import Rollout
from serving.metrics.base import Sample
from serving.rollout.controller import Controller, World

ANALYSIS = {"interval": "10s", "minSamples": 20, "inconclusiveLimit": 6, "maxDuration": "20m"}
PAUSE = {"pause": {"duration": "20s"}}
permission = st.sampled_from(["auto", "auto", "review"])
which = st.sampled_from(["a", "b"])


def steps(*, endless: bool) -> list[dict[str, Any]]:
    return [{"setWeight": 10}, {"pause": {}} if endless else PAUSE, {"setWeight": 50}]


class Controllers(Checks):
    """Two controllers, arms, traffic and faults."""

    def set_up(self, advance: str, promote: str, rollback: str, endless: bool) -> None:
        self.clock = Clock()
        self.git, self.arms, self.registry = Git(self.clock), Arms(), Registry()
        self.gateway = Gateway(self.clock, self.arms)
        policy = {"advance": advance, "promote": promote, "rollback": rollback}
        spec = {"steps": steps(endless=endless), "analysis": ANALYSIS, "policy": policy}
        begin(self.git, Rollout.model_validate(spec))
        self.version, self.restores = 7, 0
        self.moved, self.longer = False, False
        ready(self.arms, 7)
        self.fuse, self.checked = Fuse(), Checked(commit=self.git.main)
        self.controllers = {name: self.controller(name) for name in "ab"}
        self.time_passes(30)

    def controller(self, name: str) -> Controller:
        git, arms = self.fuse.guard(self.git), self.fuse.guard(self.arms)
        registry, metrics = self.fuse.guard(self.registry), self.fuse.guard(Reader(self, name))
        now = self.clock()
        self.checked.watches[name] = Watch(now, now, now)
        return Controller(
            World(
                repository=git,
                forge=git,
                metrics=metrics,
                readiness=arms,
                registry=registry,
                judge=partial(self.judge, name),
                site=SITE,
                clock=self.clock,
                tell=lambda status: None,
            )
        )

    def judge(
        self,
        name: str,
        intervals: Sequence[Interval],
        limits: Limits,
        *,
        since: float,
        last: bool,
    ) -> Judgement:
        told = plain_judge(intervals, limits, since=since, last=last)
        if self.moved and told.verdict in ("advance", "promote"):
            held = {"verdict": "hold", "needs_person": True, "reason": "scores moved"}
            told = told.model_copy(update=held)
        self.checked.watches[name].person = told.needs_person
        return told

    def round(self, name: str) -> None:
        watch, now = self.checked.watches[name], self.clock()
        if now - watch.looked > AWAY:
            watch.since = now
        watch.looked = now
        self.controllers[name].round()
        self.check_commits()
        self.check_deeds(name)

    @rule(name=which, rounds=st.integers(1, 4))
    def look(self, name: str, rounds: int) -> None:
        self.git.actor = "controller"
        for _ in range(rounds):
            self.round(name)
        self.git.actor = "person"

    @rule(name=which, left=st.integers(0, 30))
    def look_and_be_killed(self, name: str, left: int) -> None:
        self.git.actor, self.fuse.left = "controller", left
        try:
            for _ in range(3):
                self.round(name)
        except Killed:
            self.check_deeds(name)
            self.controllers[name] = self.controller(name)
        self.git.actor, self.fuse.left = "person", None

    @rule(seconds=st.sampled_from([5, 10, 30, 60]))
    def time_passes(self, seconds: int) -> None:
        release = self.release()
        for _ in range(seconds // 5):
            self.clock.now += 5
            if release is not None:
                self.gateway.serve(release.weights, 5)
            self.gateway.scrape()

    @rule(minutes=st.integers(1, 2))
    def time_passes_with_controllers(self, minutes: int) -> None:
        for _ in range(3 * minutes):
            self.time_passes(20)
            self.look("a", 2)
            self.look("b", 1)

    @rule(seconds=st.sampled_from([600, 3600]))
    def nobody_looks_for_long(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def arms_become_ready(self) -> None:
        ready(self.arms, self.version)

    @rule(data=st.data())
    def an_arm_dies(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(7, self.version))
        self.arms.ready_ones.pop(arm(version).name, None)

    @rule(data=st.data())
    def an_arm_has_another_bundle(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(7, self.version))
        self.arms.ready_ones[arm(version).name] = "f" * 64

    @rule(bad=st.booleans())
    def the_newest_turns(self, bad: bool) -> None:
        (self.arms.bad.add if bad else self.arms.bad.discard)(arm(self.version).name)

    @rule(moved=st.booleans())
    def scores_move(self, moved: bool) -> None:
        self.moved = moved

    @rule(lost=st.booleans(), unscraped=st.booleans(), down=st.booleans(), away=st.booleans())
    def faults_come_and_go(self, lost: bool, unscraped: bool, down: bool, away: bool) -> None:
        self.gateway.lost, self.gateway.unscraped = lost, unscraped
        self.registry.down, self.fuse.down = down, away

    @rule(refuses=st.booleans(), forgetful=st.booleans())
    def the_forge_is_difficult(self, refuses: bool, forgetful: bool) -> None:
        self.git.refusal = "not enough approvals" if refuses else ""
        self.git.forgetful = forgetful

    @rule()
    def counters_start_again(self) -> None:
        self.gateway.restart()


class Reader:
    """The metrics as one controller reads them."""

    def __init__(self, world: Controllers, name: str) -> None:
        self.world, self.name = world, name

    def samples(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        found = self.world.gateway.samples(arms, since, until)
        self.world.checked.watches[self.name].read = self.world.clock()
        return found
