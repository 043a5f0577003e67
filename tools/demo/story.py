"""The demonstration's story: a first release, a better candidate, and a bad one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from millrace.errors import MillraceError
from millrace.settings import Settings
from tools.demo.follow import Follower
from tools.demo.scene import NAME, Scene
from tools.demo.timeline import Timeline

USERS = ("--rate", "80", "--batch", "20", "--batch-share", "0.1")
"""Most requests ask for one customer, some for a page of them."""
LISTS = ("--rate", "20", "--batch", "400", "--batch-share", "1")
"""What the evening brings: whole lists of customers."""
SMOOTH = ("torch.relu(1 - ", "nn.functional.softplus(1 - ")
FINE_KNOTS = {
    "parameters": {"knots": 10_000},
    "epochs": 2,
    "batch_size": 64,
    "learning_rate": 0.002,
    "seed": 9,
}
"""Finer curves, and smooth ones: as good on the held-out rows, and in torch nearly as quick.

ONNX Runtime computes a softplus value by value and takes a millisecond a row, not 20 us. A quarter
of the lists is then more work than there are seconds: they queue, answers come late, and what would
wait for longer than ten objectives the predictor refuses with 503.
"""
EVENING = 25
"""Percent of the traffic that the third candidate has when the lists come."""
STEP_MARKS = ("✓", "↺", "✗")
"""How a line begins that says what became of a step."""


class Story:
    """Tells the story by the commands that a person would type."""

    def __init__(self, scene: Scene, timeline: Timeline) -> None:
        self._scene = scene
        self._timeline = timeline
        settings = Settings(home=scene.home, gateway_port=scene.port)
        self._follow = Follower(settings, NAME, timeline)

    def tell(self) -> None:
        """Tell all of it.

        Raises:
            MillraceError: something did not come about.
        """
        self._first_release()
        with self._traffic(*USERS) as users:
            self._better_candidate()
            lists = self._bad_candidate()
        self._timeline.chapter("What the callers saw")
        self._sum_up("one customer or a page of them", users)
        self._sum_up("lists of 400 customers", lists)
        self._timeline.chapter("Look at it yourself")
        for words in ("pr list --state all", f"pr show {self._follow.last_pull}", "up"):
            told = f"MILLRACE_HOME={self._scene.home} .venv/bin/millrace {words}"
            self._timeline.tell(told, "cyan")

    def _first_release(self) -> None:
        self._timeline.chapter("A first release")
        known = self._scene.know(0.8)
        self._scene.declare()
        self._timeline.tell(f"{known:,} customers are known")
        self._retrain(steps=True)
        self._do("up", "--detach")
        self._review("Release")
        self._follow.until(lambda: self._follow.weights() == {"churn-v1": 100}, 60, "a release")

    def _better_candidate(self) -> None:
        self._timeline.chapter("More customers: a second candidate")
        self._timeline.tell(f"{self._scene.know(1.0):,} customers are known")
        self._retrain()
        self._review("Release")
        self._until_asked_to_promote()
        self._review("Promote")
        self._follow.until(lambda: self._only("churn-v2"), 60, "a promotion")

    def _bad_candidate(self) -> dict[str, Any]:
        """Return what came of the lists that show how bad it is."""
        told = self._timeline
        told.chapter("A third candidate, with finer and smoother curves: it passes every gate")
        self._scene.revise(*SMOOTH)
        self._scene.declare(**FINE_KNOTS)
        self._retrain()
        self._review("Release")
        self._follow.until(
            lambda: self._follow.weights().get("churn-v3", 0) >= EVENING, 120, "a canary's rise"
        )
        told.tell("the evening comes, and with it lists of 400 customers")
        with self._traffic(*LISTS) as lists:
            self._follow.until(lambda: self._only("churn-v2"), 120, "a roll-back")
        told.tell("no gate asked it for 400 customers at once; its users did, and few met it")
        return lists

    def _retrain(self, *, steps: bool = False) -> None:
        """Run the pipeline; say what each of its steps did, or only what came of it."""
        words = ("run", str(self._scene.workload))
        self._timeline.command("millrace", *words)
        with self._timeline.doing() as doing:
            doing("the pipeline begins")
            for line in self._scene.millrace.start(*words).lines():
                if line.startswith(STEP_MARKS):
                    doing(line)
                    if steps:
                        self._timeline.tell(line, "dim")
                elif line.startswith(f"{NAME} version"):
                    self._timeline.tell(line, "bold")
        self._follow.look()

    def _do(self, *words: str) -> None:
        self._timeline.command("millrace", *words)
        self._scene.millrace.do(*words)

    def _review(self, verb: str) -> None:
        """Merge the open pull request that asks for something, as its reviewer would."""
        pulls = self._follow.open_pulls()
        pull = next((one for one in pulls if one.title.startswith(verb)), None)
        if pull is None:
            raise MillraceError(
                f"no pull request asks to {verb.lower()} anything",
                found=", ".join(one.title for one in pulls) or "none that is open",
            )
        self._do("pr", "merge", str(pull.number))

    def _until_asked_to_promote(self) -> None:
        def asked() -> bool:
            pulls = self._follow.open_pulls()
            return any(one.title.startswith("Promote") and not one.draft for one in pulls)

        self._follow.until(asked, 120, "the question whether to promote")

    def _only(self, arm: str) -> bool:
        state = self._follow.state()
        return state is not None and [one.name for one in state.arms] == [arm]

    @contextmanager
    def _traffic(self, *kind: str) -> Iterator[dict[str, Any]]:
        """Send requests all the while; afterwards the dictionary holds what came of them."""
        words = ("traffic", str(self._scene.workload), *kind, "--for", "20m")
        self._timeline.command("millrace", *words, "&")
        traffic = self._scene.millrace.start(*words, "--json")
        found: dict[str, Any] = {}
        yield found
        traffic.stop()
        found.update(json.loads(traffic.result()))

    def _sum_up(self, asked: str, traffic: dict[str, Any]) -> None:
        told = self._timeline.tell
        told(f"{traffic['sent']:,} requests for {asked}, {traffic['lost']:,} lost", "bold")
        for version, arm in traffic["arms"].items():
            told(
                f"{version if version == 'gateway' else f'v{version}'}: "
                f"{arm['answered']:,} answers, {arm['errors']:,} errors, "
                f"p50 {arm['latency']['p50']:.1f} ms, p99 {arm['latency']['p99']:.1f} ms"
            )
