"""Whatever happens, wherever a controller is killed: no step lost, none twice, nothing unsafe."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rollout_fuse import Fuse, Killed
from rollout_git import Clock, Git
from rollout_memory import remember
from rollout_registry import Registry
from rollout_releases import (
    SITE,
    WORKLOAD,
    arm,
    begin,
    bring,
    candidate,
    release_at,
    with_weights,
)
from rollout_traffic import Arms, Gateway, plain_judge

from millrace.errors import ConflictError, ReleaseError
from millrace.release.documents import Release
from millrace.workload.rollout import Rollout
from serving.rollout.controller import Controller, World
from serving.rollout.own import is_intent

ANALYSIS = {"interval": "10s", "minSamples": 20, "inconclusiveLimit": 6, "maxDuration": "20m"}
STEPS = [{"setWeight": 10}, {"pause": {"duration": "20s"}}, {"setWeight": 50}]
permission = st.sampled_from(["auto", "auto", "review"])
which = st.sampled_from(["a", "b"])


class RolloutMachine(RuleBasedStateMachine):
    """Two controllers, people, arms, traffic and faults."""

    @initialize(
        advance=permission, promote=permission, rollback=permission, begun=st.integers(0, 3)
    )
    def set_up(self, advance: str, promote: str, rollback: str, begun: int) -> None:
        self.clock = Clock()
        self.git, self.arms, self.registry = Git(self.clock), Arms(), Registry()
        self.gateway = Gateway(self.clock, self.arms)
        policy = {"advance": advance, "promote": promote, "rollback": rollback}
        spec = {"steps": STEPS, "analysis": ANALYSIS, "policy": policy}
        begin(self.git, Rollout.model_validate(spec))
        self.version, self.restores = 7, 0
        self.arms.ready_ones[arm(7).name] = arm(7).digest
        self.fuse = Fuse()
        self.controllers = {name: self.controller() for name in "ab"}
        self.checked = self.git.main
        self.time_passes(30)
        if begun:
            self.a_candidate_arrives(merged=True)
        if begun > 1:
            self.time_passes_with_controllers(minutes=begun - 1)

    def controller(self) -> Controller:
        git, arms = self.fuse.guard(self.git), self.fuse.guard(self.arms)
        registry, metrics = self.fuse.guard(self.registry), self.fuse.guard(self.gateway)
        world = World(
            git, git, metrics, arms, registry, plain_judge, SITE, self.clock, lambda status: None
        )
        return Controller(world)

    def release(self, commit: str = "") -> Release | None:
        try:
            return release_at(self.git, commit)
        except ReleaseError:
            return None

    # the controllers

    @rule(name=which, rounds=st.integers(1, 4))
    def look(self, name: str, rounds: int) -> None:
        self.git.actor = "controller"
        for _ in range(rounds):
            self.controllers[name].round()
            self.check_commits()
        self.git.actor = "person"

    @rule(name=which, left=st.integers(0, 30))
    def look_and_be_killed(self, name: str, left: int) -> None:
        self.git.actor, self.fuse.left = "controller", left
        try:
            for _ in range(3):
                self.controllers[name].round()
                self.check_commits()
        except Killed:
            self.controllers[name] = self.controller()
        self.git.actor, self.fuse.left = "person", None

    @rule(
        name=which,
        left=st.integers(0, 20),
        who=st.sampled_from(["controller", "merges", "closes", "edits", "policy"]),
        data=st.data(),
    )
    def look_while_others_act(self, name: str, left: int, who: str, data: st.DataObject) -> None:
        def act() -> None:
            if who == "controller":
                self.look("b" if name == "a" else "a", 2)
                self.git.actor = "controller"
                return
            self.check_commits()
            self.git.actor = "person"
            self.act_as_person(who, data)
            self.check_commits()
            self.git.actor = "controller"

        self.git.actor, self.fuse.left, self.fuse.others = "controller", left, act
        for _ in range(2):
            self.controllers[name].round()
            self.check_commits()
        self.git.actor, self.fuse.left, self.fuse.others = "person", None, None

    def act_as_person(self, who: str, data: st.DataObject) -> None:
        if who in ("merges", "closes"):
            if self.git.pull_requests():
                (self.a_person_merges if who == "merges" else self.a_person_closes)(data)
        elif who == "edits":
            self.a_person_edits_weights(data.draw(st.sampled_from([0, 30, 100])))
        else:
            self.a_person_edits_the_policy(data.draw(permission))

    # the world

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

    @rule()
    def arms_become_ready(self) -> None:
        for version in range(7, self.version + 1):
            self.arms.ready_ones[arm(version).name] = arm(version).digest

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

    @rule(lost=st.booleans(), unscraped=st.booleans(), down=st.booleans(), away=st.booleans())
    def faults_come_and_go(self, lost: bool, unscraped: bool, down: bool, away: bool) -> None:
        self.gateway.lost, self.gateway.unscraped = lost, unscraped
        self.registry.down, self.fuse.down = down, away and lost

    @rule()
    def counters_start_again(self) -> None:
        self.gateway.restart()

    # people

    @precondition(lambda self: self.version < 11 and self.release())
    @rule(merged=st.booleans())
    def a_candidate_arrives(self, merged: bool) -> None:
        self.version += 1
        pull = bring(self.git, candidate(self.version, score_distance=0.1))
        if merged and not pull.draft:
            self.git.merge(pull.number)
            self.arms_become_ready()

    @precondition(lambda self: self.restores < 2)
    @rule(data=st.data())
    def a_kept_bundle_is_wanted_back(self, data: st.DataObject) -> None:
        release = self.release()
        if release is None or release.canary is not None:
            return
        version = data.draw(st.integers(7, self.version))
        if version != release.stable.version:
            self.restores += 1
            asked = candidate(version, purpose="restore", attempt=self.restores)
            self.git.merge(bring(self.git, asked).number)

    @precondition(lambda self: self.git.pull_requests())
    @rule(data=st.data())
    def a_person_merges(self, data: st.DataObject) -> None:
        pull = data.draw(st.sampled_from(self.git.pull_requests()))
        with suppress(ConflictError):
            self.git.merge(pull.number)

    @precondition(lambda self: self.git.pull_requests())
    @rule(data=st.data())
    def a_person_closes(self, data: st.DataObject) -> None:
        pull = data.draw(st.sampled_from(self.git.pull_requests()))
        self.git.close(pull.number, "no, thank you")

    @precondition(lambda self: self.git.pull_requests())
    @rule(data=st.data())
    def a_person_pushes_to_a_branch(self, data: st.DataObject) -> None:
        pull = data.draw(st.sampled_from(self.git.pull_requests()))
        self.git.pulls[pull.number].pushed = True

    @rule(weight=st.sampled_from([0, 5, 30, 100]))
    def a_person_edits_weights(self, weight: int) -> None:
        release = self.release()
        if release is not None and release.canary is not None:
            self.git.commit(self.git.main, with_weights(self.git, weight), "by hand")

    @rule(policy=permission)
    def a_person_edits_the_policy(self, policy: str) -> None:
        path = f"{WORKLOAD}/rollout.yaml"
        text = self.git.files(self.git.main, WORKLOAD)[path].decode()
        other = "review" if policy == "auto" else "auto"
        edited = text.replace(f"promote: {other}", f"promote: {policy}")
        if edited != text:
            self.git.commit(self.git.main, {path: edited.encode()}, "policy by hand")

    @precondition(lambda self: self.release())
    @rule(minutes=st.integers(0, 1))
    def a_person_breaks_a_file(self, minutes: int) -> None:
        path = f"{WORKLOAD}/rollout.yaml"
        text = self.git.files(self.git.main, WORKLOAD)[path].decode()
        self.git.commit(self.git.main, {path: text.replace("spec:", "sepc:").encode()}, "oops")
        if minutes:
            self.time_passes_with_controllers(minutes)
            self.a_person_mends_the_file()

    @precondition(lambda self: not self.release())
    @rule()
    def a_person_mends_the_file(self) -> None:
        path = f"{WORKLOAD}/rollout.yaml"
        text = self.git.files(self.git.main, WORKLOAD)[path].decode()
        if "sepc:" in text:
            mended = text.replace("sepc:", "spec:").encode()
            self.git.commit(self.git.main, {path: mended}, "mended")

    @rule()
    def a_person_undoes_the_last_commit(self) -> None:
        node = self.git.nodes[self.git.main]
        before = self.git.nodes[node.parents[0]].files
        if before and len(self.git.nodes) > 3:
            changes = {path: before.get(path) for path in {*before, *node.files}}
            self.git.commit(self.git.main, changes, "revert")

    # what must hold

    @invariant()
    def every_commit_is_sound(self) -> None:
        if hasattr(self, "git"):
            self.check_commits()

    def check_commits(self) -> None:
        line = []
        for name, node in self.git.line(self.git.main):
            if name == self.checked:
                break
            line.append((name, node))
        for name, node in reversed(line):
            if node.actor == "controller":
                self.check(self.release(node.parents[0]), self.release(name))
        self.checked = self.git.main

    def check(self, before: Release | None, after: Release | None) -> None:
        """Hold a commit of a controller to what it may do."""
        assert before is not None, "a broken release was touched"
        assert after is not None, "a broken release was written"
        assert sum(after.weights.values()) == 100
        for ref in (after.stable, after.canary):
            if ref and after.weights[ref.name] > before.weights.get(ref.name, 0):
                rolled_back = after.position.phase == "rolled back"
                assert rolled_back or self.arms.ready_ones.get(ref.name) == ref.digest
        if before.canary is None:
            assert after.canary is None, "a controller brought a canary"
        elif after.canary is not None:
            assert after.canary == before.canary
            steps = after.position.step - before.position.step
            assert steps == (1 if after.position.phase == "progressing" else 0)
        else:
            stays, goes = after.stable, {before.canary.name, before.stable.name}
            assert stays.name in goes
            assert before.weights[stays.name] == 100
            assert self.arms.ready_ones.get(stays.name) == stays.digest

    @invariant()
    def a_no_of_a_person_is_kept(self) -> None:
        if not hasattr(self, "git"):
            return
        release = self.release()
        if release is None or release.canary is None:
            return
        arrived = self.arrived(release)
        closed = {
            one.shown.branch
            for one in self.git.pulls.values()
            if one.closed_by == "person" and one.shown.created >= arrived
        }
        opened = [one.branch for one in self.git.pull_requests() if not is_intent(one)]
        assert not closed.intersection(opened)
        assert len(opened) == len(set(opened))

    def arrived(self, release: Release) -> float:
        time = self.clock()
        for name, node in self.git.line(self.git.main):
            found = self.release(name)
            if found is not None and found.canary != release.canary:
                return time
            time = node.time if found is not None else time
        return time

    # in the end

    def teardown(self) -> None:
        if not hasattr(self, "git"):
            return
        self.faults_come_and_go(lost=False, unscraped=False, down=False, away=False)
        self.a_person_mends_the_file()
        for one in self.git.pulls.values():
            one.pushed = False
        self.controllers = {name: self.controller() for name in "ab"}
        for _ in range(60):
            self.arms_become_ready()
            self.time_passes(30)
            for name in "aba":
                self.look(name, 2)
            for pull in self.git.pull_requests():
                if not pull.draft and not is_intent(pull):
                    with suppress(ConflictError):
                        self.git.merge(pull.number)
            release = self.release()
            if release is not None and release.canary is None:
                break
        self.time_passes_with_controllers(2)
        self.check_settled()

    def check_settled(self) -> None:
        release = self.release()
        assert release is not None
        if release.canary is None:
            assert self.registry.champion == release.stable.digest
            assert not [one for one in self.git.pull_requests() if not is_intent(one)]
            waiting = [one for one in self.git.pull_requests() if one.draft]
            assert not waiting, "a candidate's turn never came"
            return
        weight = release.weights[release.canary.name]
        by_hand = release.position.phase in ("promoted", "rolled back") and weight > 0
        refused = any(
            one.closed_by == "person" or one.shown.state == "merged"
            for one in self.git.pulls.values()
            if one.shown.created >= self.arrived(release)
        )
        assert by_hand or refused, f"{release.position} is no end"


RolloutMachine.TestCase.settings = settings(max_examples=1)


@pytest.mark.slow
def test_no_step_is_lost_or_taken_twice_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(monkeypatch.setattr)
    run_state_machine_as_test(
        RolloutMachine,
        settings=settings(
            max_examples=120,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
