"""Tell what happens on the platform while it happens: pull requests, arms, weights, verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable

from millrace.analysis import Judgement
from millrace.deploy import PullRequest, open_forge
from millrace.errors import MillraceError
from millrace.settings import Settings
from serving.local.state import PlatformState, read_state
from serving.rollout.status import RolloutStatus, read_status
from tools.demo.timeline import Timeline

STYLES = {"merged": "green", "open": "yellow", "closed": "dim"}
TOLD = ("advance", "promote", "roll back")
"""Verdicts worth a line; the others say that there is not enough evidence yet."""
POLL_SECONDS = 0.3


class Follower:
    """Says once what is new since the last look."""

    def __init__(self, settings: Settings, workload: str, timeline: Timeline) -> None:
        self._settings = settings
        self._workload = workload
        self._timeline = timeline
        self._forge = open_forge(settings)
        self._pulls: dict[int, str] = {}
        self._arms: dict[str, str] = {}
        self._weights: dict[str, int] = {}
        self._verdict = ""

    def until(self, reached: Callable[[], object], seconds: float, what: str) -> None:
        """Tell what happens until something is reached.

        Raises:
            MillraceError: it was not reached in time.
        """
        deadline = time.monotonic() + seconds
        while not reached():
            self.look()
            if time.monotonic() > deadline:
                raise MillraceError(f"{what} did not come about within {seconds:g} s")
            time.sleep(POLL_SECONDS)
        self.look()

    def state(self) -> PlatformState | None:
        """Return what runs."""
        return read_state(self._settings)

    def rollout(self) -> RolloutStatus | None:
        """Return what the controller makes of the workload."""
        return read_status(self._settings, self._workload)

    def weights(self) -> dict[str, int]:
        """Return how the gateway splits the requests."""
        state = self.state()
        route = state.route(self._workload) if state else None
        return route.weights if route else {}

    def open_pulls(self) -> list[PullRequest]:
        """Return the open pull requests."""
        return self._forge.pull_requests(self._workload)

    @property
    def last_pull(self) -> int:
        """Return the number of the newest pull request that was told of."""
        return max(self._pulls)

    def look(self) -> None:
        """Tell what is new, the cause before what follows from it."""
        self._look_at_verdict()
        self._look_at_pull_requests()
        state = self.state()
        if state is not None:
            self._look_at_arms(state)
        weights = self.weights()
        if weights and weights != self._weights:
            self._weights = weights
            split = ", ".join(f"{arm} {weight} %" for arm, weight in sorted(weights.items()))
            self._timeline.tell(f"split: {split}", "bold")

    def _look_at_verdict(self) -> None:
        rollout = self.rollout()
        if rollout is not None and rollout.judgement and rollout.verdict != self._verdict:
            self._verdict = rollout.verdict
            if self._verdict in TOLD:
                self._timeline.tell(f"{rollout.verdict}: {rollout.judgement.reason}", "cyan")
            if self._verdict == "roll back":
                self._timeline.tell(_counted(rollout.judgement), "cyan")

    def _look_at_pull_requests(self) -> None:
        for pull in reversed(self._forge.pull_requests(self._workload, "all")):
            state = "draft" if pull.draft and pull.state == "open" else pull.state
            if self._pulls.get(pull.number) != state:
                self._pulls[pull.number] = state
                told = f"pull request #{pull.number} {state}: {pull.title}"
                self._timeline.tell(told, STYLES.get(state, "yellow"))

    def _look_at_arms(self, state: PlatformState) -> None:
        there = {arm.name: arm.phase for arm in state.arms}
        for name, phase in there.items():
            if self._arms.get(name) != phase:
                self._timeline.tell(f"{name} is {phase}")
        for name in self._arms.keys() - there.keys():
            self._timeline.tell(f"{name} is gone")
        self._arms = dict(there)


def _counted(judgement: Judgement) -> str:
    """Say what both arms did; the reason for a verdict tells only what was enough for it."""
    errors, slow = (
        next(one for one in judgement.indicators if one.indicator == name)
        for name in ("errors", "slow")
    )
    return (
        f"the canary: {errors.canary_bad:,} errors and {slow.canary_bad:,} slow answers of "
        f"{slow.canary_events:,}; the stable arm: {errors.stable_bad:,} and {slow.stable_bad:,} "
        f"of {slow.stable_events:,}"
    )
