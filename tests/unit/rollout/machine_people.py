"""People who merge, close, push, hold, edit and undo whatever they like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from machine_controllers import PAUSE, Controllers, permission, which
from rollout_releases import (
    WORKLOAD,
    bring,
    candidate,
    take_off_trial,
    with_weights,
)

from millrace.deploy.base import PullRequest
from millrace.errors import ConflictError

ROLLOUT = f"{WORKLOAD}/rollout.yaml"
Edit = Callable[[dict[str, Any]], None]


def without_pause(rollout: dict[str, Any]) -> None:
    rollout["steps"] = [step for step in rollout["steps"] if "pause" not in step]


def with_pause(rollout: dict[str, Any]) -> None:
    without_pause(rollout)
    rollout["steps"].insert(1, PAUSE)


def with_limit(name: str, value: object) -> Edit:
    return lambda rollout: rollout["analysis"].update({name: value})


EDITS: dict[str, Edit] = {
    "without a pause": without_pause,
    "with a pause": with_pause,
    "a higher last weight": lambda rollout: rollout["steps"][-1].update(setWeight=70),
    "more samples": with_limit("minSamples", 200),
    "more patience": with_limit("inconclusiveLimit", 12),
    "a longer trial": with_limit("maxDuration", "40m"),
    "a shorter trial": with_limit("maxDuration", "5m"),
}


class People(Controllers):
    """People beside two controllers."""

    @rule(
        name=which,
        left=st.integers(0, 20),
        who=st.sampled_from(["controller", "merges", "closes", "edits", "policy"]),
        data=st.data(),
    )
    def look_while_others_act(self, name: str, left: int, who: str, data: st.DataObject) -> None:
        def act() -> None:
            self.check_deeds(name)
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
            self.round(name)
        self.git.actor, self.fuse.left, self.fuse.others = "person", None, None

    def act_as_person(self, who: str, data: st.DataObject) -> None:
        if who in ("merges", "closes"):
            if self.git.pull_requests():
                (self.a_person_merges if who == "merges" else self.a_person_closes)(data)
        elif who == "edits":
            self.a_person_edits_weights(data.draw(st.sampled_from([0, 30, 100])))
        else:
            self.a_person_edits_the_policy(data.draw(permission))

    # candidates

    @precondition(lambda self: self.version < 11 and self.release())
    @rule(merged=st.booleans())
    def a_candidate_arrives(self, merged: bool) -> None:
        self.version += 1
        pull = bring(self.git, candidate(self.version, score_distance=0.1))
        if merged and not pull.draft:
            self.git.merge(pull.number)
            self.arms_become_ready()

    @precondition(lambda self: self.version > 7 and self.on_trial() is False)
    @rule()
    def the_newest_candidate_comes_again(self) -> None:
        release = self.release()
        if release is not None and release.stable.version < self.version:
            pull = bring(self.git, candidate(self.version), again=True)
            with suppress(ConflictError):
                self.git.merge(pull.number)

    @precondition(lambda self: self.restores < 2 and self.on_trial() is False)
    @rule(data=st.data())
    def a_kept_bundle_is_wanted_back(self, data: st.DataObject) -> None:
        release = self.release()
        version = data.draw(st.integers(7, self.version))
        if release is not None and version != release.stable.version:
            self.restores += 1
            asked = candidate(version, purpose="restore", attempt=self.restores)
            self.git.merge(bring(self.git, asked).number)

    def on_trial(self) -> bool | None:
        """Return whether a canary is on trial; None if nobody can tell."""
        release = self.release()
        return None if release is None else release.canary is not None

    # pull requests

    @precondition(lambda self: self.git.pull_requests())
    @rule(data=st.data())
    def a_person_merges(self, data: st.DataObject) -> None:
        with suppress(ConflictError):
            self.git.merge(self.any_of(self.git.pull_requests(), data))

    @precondition(lambda self: self.git.pull_requests())
    @rule(data=st.data())
    def a_person_closes(self, data: st.DataObject) -> None:
        self.git.close(self.any_of(self.git.pull_requests(), data), "no, thank you")

    @precondition(lambda self: self.git.pull_requests())
    @rule(data=st.data())
    def a_person_pushes_to_a_branch(self, data: st.DataObject) -> None:
        self.git.pulls[self.any_of(self.git.pull_requests(), data)].pushed = True

    @precondition(lambda self: any(not one.draft for one in self.git.pull_requests()))
    @rule(data=st.data())
    def a_person_holds(self, data: st.DataObject) -> None:
        ready = [one for one in self.git.pull_requests() if not one.draft]
        self.git.mark(self.any_of(ready, data), draft=True)

    @precondition(lambda self: self.held())
    @rule(data=st.data())
    def a_person_lets_go(self, data: st.DataObject) -> None:
        self.git.mark(self.any_of(self.held(), data), draft=False)

    def held(self) -> list[PullRequest]:
        return [one for one in self.git.pull_requests() if self.git.pulls[one.number].held]

    @precondition(lambda self: self.on_trial())
    @rule()
    def a_person_takes_the_canary_off_trial(self) -> None:
        release = self.release()
        if release is not None and release.position.phase != "rolled back":
            pull = take_off_trial(self.git)
            if release.rollout.policy.rollback == "auto":
                with suppress(ConflictError):
                    self.git.merge(pull.number)

    @staticmethod
    def any_of(pulls: list[PullRequest], data: st.DataObject) -> int:
        return data.draw(st.sampled_from(pulls)).number

    # files

    @rule(weight=st.sampled_from([0, 5, 30, 100]))
    def a_person_edits_weights(self, weight: int) -> None:
        if self.on_trial():
            self.git.commit(self.git.main, with_weights(self.git, weight), "by hand")

    @rule(policy=permission)
    def a_person_edits_the_policy(self, policy: str) -> None:
        other = "review" if policy == "auto" else "auto"
        self.replaced(f"promote: {other}", f"promote: {policy}", "policy by hand")

    @precondition(lambda self: self.release())
    @rule(edit=st.sampled_from(sorted(EDITS)))
    def a_person_edits_the_rollout(self, edit: str) -> None:
        found = yaml.safe_load(self.text())
        EDITS[edit](found["spec"]["rollout"])
        if found["spec"]["position"].get("step", -1) >= len(found["spec"]["rollout"]["steps"]):
            return
        self.longer = self.longer or edit in ("a longer trial", "a shorter trial")
        edited = yaml.safe_dump(found, sort_keys=False).encode()
        self.git.commit(self.git.main, {ROLLOUT: edited}, edit)

    @precondition(lambda self: self.release())
    @rule(minutes=st.integers(0, 1))
    def a_person_breaks_a_file(self, minutes: int) -> None:
        self.replaced("spec:", "sepc:", "oops")
        if minutes:
            self.time_passes_with_controllers(minutes)
            self.a_person_mends_the_file()

    @precondition(lambda self: not self.release())
    @rule()
    def a_person_mends_the_file(self) -> None:
        self.replaced("sepc:", "spec:", "mended")

    @rule()
    def a_person_undoes_the_last_commit(self) -> None:
        node = self.git.nodes[self.git.main]
        before = self.git.nodes[node.parents[0]].files
        if before and len(self.git.nodes) > 3:
            changes = {path: before.get(path) for path in {*before, *node.files}}
            self.git.commit(self.git.main, changes, "revert")

    def text(self) -> str:
        return self.git.files(self.git.main, WORKLOAD)[ROLLOUT].decode()

    def replaced(self, old: str, new: str, message: str) -> None:
        edited = self.text().replace(old, new)
        if edited != self.text():
            self.git.commit(self.git.main, {ROLLOUT: edited.encode()}, message)
