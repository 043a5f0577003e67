"""One replica of an arm: a predictor process that is watched, and started again when it ends."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from millrace.errors import MillraceError
from millrace.release.kubernetes import InferenceService
from serving.local.ask import ask
from serving.local.backoff import Backoff
from serving.local.children import Book, Child
from serving.local.last_words import last_words, size_of
from serving.local.ports import free_ports
from serving.local.splits import Endpoint
from serving.local.state import ReplicaState

START_SECONDS = 120.0
"""Longest time from the start of a predictor to its first answer as ready."""
SILENCE_SECONDS = 30.0
"""Time without an answer after which a predictor that was ready is started again."""
UNREADY_SECONDS = 3.0
"""Time without an answer after which it gets no requests as long as another replica can."""
PROBE_SECONDS = 0.05
WATCH_SECONDS = 1.0
GRACE_SECONDS = 15.0
"""Time to answer what is under way; it gets nothing new by then."""
READY = "/v2/health/ready"


@dataclass
class Surroundings:
    """What all replicas of a platform share.

    Attributes:
        logs: folder of their logs.
        book: where processes are entered.
        changed: called whenever something about a replica changes.
        tell: takes an event's name and a line for people.
        environment: variables that every process gets beside the platform's own.
        ports: ports that were given away.
        events: returns where a workload's events go, '' for nowhere.
    """

    logs: Path
    book: Book
    changed: Callable[[], None]
    tell: Callable[[str, str], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: set[int] = field(default_factory=set)
    events: Callable[[str], str] = lambda _: ""


class Replica:
    """A predictor process of an arm, kept running until `stop`."""

    def __init__(
        self, service: InferenceService, index: int, bundle: Path, around: Surroundings
    ) -> None:
        self._service = service
        self._bundle = bundle
        self._around = around
        self._child: Child | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self.state = ReplicaState(index=index)

    @property
    def name(self) -> str:
        """Return its name, such as `churn-v7-0`."""
        return f"{self._service.name}-{self.state.index}"

    @property
    def endpoint(self) -> Endpoint:
        """Return the ports of its present process, or of its last."""
        return Endpoint(self.state.http_port, self.state.grpc_port)

    def start(self) -> None:
        """Begin to keep a process running."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process, which first answers what is under way."""
        self._stopping = True
        if self._child is not None and self._child.alive:
            await self._child.end(GRACE_SECONDS)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._child is not None and self._child.alive:  # it was being started again
            await self._child.end(GRACE_SECONDS)

    async def _keep(self) -> None:
        backoff = Backoff()
        while not self._stopping:
            backoff.begin()
            problem = await self._live()
            if self._stopping:
                return
            wait = backoff.failed()
            self._note(pid=None, ready=False, restarts=self.state.restarts + 1, problem=problem)
            when = f"in {wait:g} s" if wait else "at once"
            self._around.tell("replica_restarts", f"{self.name} is started again {when}: {problem}")
            await asyncio.sleep(wait)

    async def _live(self) -> str:
        """Run one process to its end, and return why it ended."""
        began = size_of(self._log)
        try:
            ports = free_ports(3, self._around.ports)
            self._around.ports.update(ports)
            self._child = await Child.start(
                self._command(ports),
                log=self._log,
                book=self._around.book,
                environment=self._around.environment,
            )
        except (MillraceError, OSError) as error:
            return str(error)
        self._note(
            pid=self._child.pid,
            started=self._child.identity.started,
            http_port=ports[0],
            grpc_port=ports[1],
            metrics_port=ports[2],
        )
        watch = asyncio.create_task(self._watch(ports[0], self._child))
        ended = asyncio.create_task(self._child.wait())
        try:
            await asyncio.wait({watch, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():  # the watch gave it up
                await self._child.end(GRACE_SECONDS)
                return watch.result()
            return self._end_of(await ended, began)
        finally:
            watch.cancel()
            self._around.ports.difference_update(ports)

    async def _watch(self, port: int, child: Child) -> str:
        """Note whether it is ready; return why it is to be started again."""
        return await self._until_ready(port) or await self._until_silent(port, child)

    async def _until_ready(self, port: int) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            answers, problem = await asyncio.to_thread(self._examine, port)
            if problem:
                return problem
            if answers:
                self._note(ready=True, problem="")
                return ""
            await asyncio.sleep(PROBE_SECONDS)
        return f"it was not ready within {START_SECONDS:g} s; its log is {self._log}"

    async def _until_silent(self, port: int, child: Child) -> str:
        heard = time.monotonic()
        while child.alive:
            await asyncio.sleep(WATCH_SECONDS)
            silence = time.monotonic() - heard
            if await asyncio.to_thread(_status, port) == 200:
                heard = time.monotonic()
                if not self.state.ready:
                    self._note(ready=True, problem="")
            elif silence > SILENCE_SECONDS:
                return f"it has not answered for {SILENCE_SECONDS:g} s"
            elif silence > UNREADY_SECONDS and self.state.ready:
                self._note(ready=False, problem="it does not answer as ready")
        return ""

    def _examine(self, port: int) -> tuple[bool, str]:
        """Return whether it answers as ready, and what is wrong with what it serves."""
        if _status(port) != 200:
            return False, ""
        try:
            status, body = ask(port, f"/v2/models/{self._service.workload}")
            told = json.loads(body)
            found = told.get("properties", {}).get("bundle_digest", "")
        except (OSError, ValueError, AttributeError):
            return False, ""
        if status != 200 or found.removeprefix("sha256:") != self._service.digest:
            return True, f"it serves the bundle {found or 'unknown'}, not {self._service.digest}"
        return True, ""

    def _command(self, ports: list[int]) -> list[str]:
        http, grpc, metrics = map(str, ports)
        events = self._around.events(self._service.workload)
        ours = [f"--events-url={events}"] if events else []
        return [
            *(sys.executable, "-m", "serving.predictor", *self._service.args),
            *("--model-dir", str(self._bundle), "--host", "127.0.0.1"),
            *("--http-port", http, "--grpc-port", grpc, "--metrics-port", metrics),
            "--grace=200ms",  # by then the gateway sends it nothing new
            *([] if "events-url" in self._service.options else ours),
        ]

    @property
    def _log(self) -> Path:
        return self._around.logs / f"{self.name}.log"

    def _end_of(self, code: int, began: int) -> str:
        """Return how a process ended that began when its log was so long."""
        words = last_words(self._log, began) if code > 0 else ""
        return f"it {_how(code)}{': ' if words else ''}{words}; its log is {self._log}"

    def _note(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        self._around.changed()


def _status(port: int) -> int:
    try:
        return ask(port, READY)[0]
    except OSError:
        return 0


def _how(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
