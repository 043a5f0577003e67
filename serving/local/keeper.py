"""A process of the platform itself that is kept running: the gateway, the rollout controller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from millrace.errors import MillraceError
from serving.local.backoff import Backoff
from serving.local.children import Child
from serving.local.state import ProcessState


class Keeper:
    """Starts a process again, with back-off, whenever it ends by itself."""

    def __init__(
        self,
        name: str,
        start: Callable[[], Awaitable[Child]],
        changed: Callable[[], None],
        tell: Callable[[str, str], None],
        log: str,
    ) -> None:
        """Take its name for people, how to start it, whom to call and to tell, and its log."""
        self._start = start
        self._changed = changed
        self._tell = tell
        self._log = log
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self.state = ProcessState(name=name)

    @property
    def instance(self) -> str:
        """Return what tells its present process from others, such as `4711-1700000000.25`."""
        return f"{self.state.pid}-{self.state.started:.2f}"

    def begin(self) -> None:
        """Begin to keep it running."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self, grace: float) -> None:
        """End it; after `grace` seconds by force."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._child is not None and self._child.alive:
            await self._child.end(grace)

    async def _keep(self) -> None:
        backoff = Backoff()
        while True:
            backoff.begin()
            problem = await self._live()
            wait = backoff.failed()
            self._note(pid=None, restarts=self.state.restarts + 1, problem=problem)
            when = f"in {wait:g} s" if wait else "at once"
            name = self.state.name
            self._tell("process_restarts", f"the {name} is started again {when}: {problem}")
            await asyncio.sleep(wait)

    async def _live(self) -> str:
        try:
            self._child = await self._start()
        except MillraceError as error:
            return str(error)
        identity = self._child.identity
        self._note(pid=identity.pid, started=identity.started, problem="")
        code = await self._child.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"it {how}; its log is {self._log}"

    def _note(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        self._changed()
