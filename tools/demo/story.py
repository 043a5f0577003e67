"""The demonstration's story: a first release, a better candidate, and a bad one."""

from __future__ import annotations

import json
import signal
import subprocess
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
FINE_KNOTS = {"parameters": {"knots": 20_000}, "epochs": 2, "patience": 2, "batch_size": 64}
"""Finer curves: as good on the held-out rows, and half a millisecond a row, not 20 us."""


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
        told = self._timeline
        told.chapter("A first release")
        known = self._scene.know(0.8)
        self._scene.declare()
        told.tell(f"{known:,} customers are known")
        self._retrain(steps=True)
        self._do("up", "--detach")
        self._review("Release")
        self._follow.until(lambda: self._follow.weights() == {"churn-v1": 100}, 60, "a release")
        with self._traffic(*USERS) as traffic:
            told.chapter("More customers: a second candidate")
            told.tell(f"{self._scene.know(1.0):,} customers are known")
            self._retrain()
            self._review("Release")
            self._until_asked_to_promote()
            self._review("Promote")
            self._follow.until(lambda: self._only("churn-v2"), 60, "a promotion")
            told.chapter("A third candidate, with finer curves: it passes every gate")
            self._scene.declare(**FINE_KNOTS)
            self._retrain()
            self._review("Release")
            self._follow.until(lambda: self._follow.weights().get("churn-v3"), 60, "a canary")
            told.tell("the evening comes, and with it lists of 400 customers")
            with self._traffic(*LISTS) as lists:
                self._follow.until(lambda: self._only("churn-v2"), 120, "a roll-back")
            told.tell("no gate asked it for 400 customers at once; its users did, and few met it")
        told.chapter("What the callers saw")
        self._sum_up("one customer or a page of them", traffic)
        self._sum_up("lists of 400 customers", lists)
        told.chapter("Look at it yourself")
        for words in ("pr list --state all", f"pr show {self._follow.last_pull}", "up"):
            told.tell(f"MILLRACE_HOME={self._scene.home} .venv/bin/millrace {words}", "cyan")

    def _retrain(self, *, steps: bool = False) -> None:
        """Run the pipeline; say what each of its steps did, or only what came of it."""
        words = ("run", str(self._scene.workload))
        self._timeline.command("millrace", *words)
        with self._timeline.doing() as doing:
            doing("the pipeline begins")
            for line in self._scene.lines(*words):
                if line.startswith(STEP_MARKS):
                    doing(line)
                    if steps:
                        self._timeline.tell(line, "dim")
                elif line.startswith(f"{NAME} version"):
                    self._timeline.tell(line, "bold")
        self._follow.look()

    def _do(self, *words: str) -> None:
        self._timeline.command("millrace", *words)
        done = self._scene.call(*words)
        if done.returncode != 0:
            raise MillraceError(done.stderr.strip() or done.stdout.strip(), where="demo")

    def _review(self, verb: str) -> None:
        """Merge the open pull request that asks for something, as its reviewer would."""
        pull = next(one for one in self._follow.open_pulls() if one.title.startswith(verb))
        self._do("pr", "merge", str(pull.number))

    def _until_asked_to_promote(self) -> None:
        def asked() -> bool:
            return any(one.title.startswith("Promote") for one in self._follow.open_pulls())

        self._follow.until(asked, 120, "the question whether to promote")

    def _only(self, arm: str) -> bool:
        state = self._follow.state()
        return state is not None and [one.name for one in state.arms] == [arm]

    @contextmanager
    def _traffic(self, *kind: str) -> Iterator[dict[str, Any]]:
        """Send requests all the while; afterwards the dictionary holds what came of them."""
        words = ("traffic", str(self._scene.workload), *kind, "--for", "300s")
        self._timeline.command("millrace", *words, "&")
        found: dict[str, Any] = {}
        process = subprocess.Popen(
            self._scene.millrace(*words, "--json"),
            env=self._scene.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield found
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
            found.update(json.loads(out))
        finally:
            process.kill()
            process.wait()

    def _sum_up(self, asked: str, traffic: dict[str, Any]) -> None:
        told = self._timeline.tell
        told(f"{traffic['sent']:,} requests for {asked}, {traffic['lost']:,} lost", "bold")
        for version, arm in traffic["arms"].items():
            told(
                f"{version if version == 'gateway' else f'v{version}'}: "
                f"{arm['answered']:,} answers, {arm['errors']:,} errors, "
                f"p50 {arm['latency']['p50']:.1f} ms, p99 {arm['latency']['p99']:.1f} ms"
            )
