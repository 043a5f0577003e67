"""What must hold, whatever happens: checked on every commit and deed of a controller."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis.stateful import RuleBasedStateMachine, invariant
from rollout_git import Clock, Deed, Git
from rollout_registry import Registry
from rollout_releases import WORKLOAD, arm, release_at
from rollout_traffic import Arms, Gateway

from millrace.deploy.base import PullRequest
from millrace.errors import ReleaseError
from millrace.release.documents import Release
from millrace.workload.rollout import Pause
from serving.rollout.own import is_intent
from serving.rollout.pulls import STALE

AWAY = 60.0


@dataclass
class Watch:
    """What one controller could know of silence.

    Attributes:
        looked: when it looked last.
        since: since when it looks without a long break.
        read: when it could read the metrics last.
        person: whether the verdict that it knows is left to a person.
    """

    looked: float
    since: float
    read: float
    person: bool = False


@dataclass
class Checked:
    """How far commits and deeds were checked."""

    commit: str = "c0"
    deeds: int = 0
    watches: dict[str, Watch] = field(default_factory=dict)


class Checks(RuleBasedStateMachine):
    """A workload, and what must hold of it."""

    clock: Clock
    git: Git
    arms: Arms
    gateway: Gateway
    registry: Registry
    checked: Checked
    longer: bool

    def release(self, commit: str = "") -> Release | None:
        try:
            return release_at(self.git, commit)
        except ReleaseError:
            return None

    @invariant()
    def every_commit_is_sound(self) -> None:
        if hasattr(self, "git"):
            self.check_commits()

    def check_commits(self) -> None:
        line = []
        for name, node in self.git.line(self.git.main):
            if name == self.checked.commit:
                break
            line.append((name, node))
        for name, node in reversed(line):
            if node.actor == "controller":
                self.check(self.release(node.parents[0]), self.release(name))
        self.checked.commit = self.git.main

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

    def check_deeds(self, name: str) -> None:
        """Hold what a controller did to pull requests to what it may do."""
        deeds, self.checked.deeds = self.git.deeds[self.checked.deeds :], len(self.git.deeds)
        for deed in deeds:
            if deed.actor != "controller":
                continue
            assert not deed.held or deed.kind == "close", "a draft of a person was overruled"
            if deed.kind == "update":
                self.check_update(deed)
            if deed.kind == "merge":
                self.check_merge(deed, name)
            if deed.kind in ("propose", "update") and not deed.after.draft:
                self.check_roll_back(deed, name)

    def check_update(self, deed: Deed) -> None:
        """A new head needs a cause: a forge may ask for approvals of it anew."""
        assert deed.before is not None
        age = deed.time - self.git.nodes[deed.before.head].time
        if deed.before.draft == deed.after.draft and age < STALE:
            current = self.git.is_current(deed.before.head, deed.main, WORKLOAD)
            assert not current, "a pull request was made anew without a cause"

    def check_merge(self, deed: Deed, name: str) -> None:
        """What a controller merges needs no person."""
        release, verb = self.release(deed.main), deed.after.branch.rpartition("/")[2]
        assert release is not None
        policy = release.rollout.policy
        if verb.endswith("roll-back"):
            assert policy.rollback == "auto"
            return
        assert (policy.promote if verb.endswith("promote") else policy.advance) == "auto"
        step = release.position.step
        if step >= 0:
            found = release.rollout.steps[step]
            assert not isinstance(found, Pause) or found.pause.duration is not None
            assert not self.checked.watches[name].person

    def check_roll_back(self, deed: Deed, name: str) -> None:
        """A roll back for silence needs silence; one for the time, that nobody was asked."""
        release = self.release(deed.main)
        if release is None or not deed.after.branch.endswith("roll-back"):
            return
        if "Why: no data of both arms in" in deed.after.body:
            analysis, watch = release.rollout.analysis, self.checked.watches[name]
            heard = watch.read if self.gateway.lost else self.gateway.heard
            silent = deed.time - max(heard, watch.since)
            assert silent >= analysis.inconclusiveLimit * analysis.interval.total_seconds()
        if "Why: not promoted within" in deed.after.body and not self.longer:
            here = deed.after.branch.rpartition("/")[0]
            step = f"step-{release.position.step + 1}-advance"
            asked = {f"{here}/{step}", f"{here}/promote"}
            for one in self.git.pulls.values():
                waits = one.shown.state == "open" and (one.held or not one.shown.draft)
                assert not (waits and one.shown.branch in asked), "a person was being asked"

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

    def check_settled(self) -> None:
        """Hold the end to be one: nothing on trial, or a person's no."""
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
            one.closed_by == "person" or one.shown.state == "merged" or self.is_mute(one.shown)
            for one in self.git.pulls.values()
            if one.shown.created >= self.arrived(release)
        )
        assert by_hand or refused, f"{release.position} is no end"

    @staticmethod
    def is_mute(shown: PullRequest) -> bool:
        """Return whether nobody knows why a pull request was closed, which is taken for a no."""
        return shown.state == "closed" and not shown.comment


def ready(arms: Arms, upto: int) -> None:
    """Let all versions up to one be ready."""
    for version in range(7, upto + 1):
        arms.ready_ones[arm(version).name] = arm(version).digest
