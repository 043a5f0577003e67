"""All arms of the platform: started when Git names them, ended when nothing needs them any more."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from secrets import token_hex

from millrace.release.kubernetes import InferenceService
from millrace.storage import Store
from serving.local.arm import Arm
from serving.local.plan import Readiness
from serving.local.replica import Surroundings
from serving.local.splits import Endpoint
from serving.local.state import ArmState

QUIET_LOOKS = 3
"""How often in a row an arm must have no request under way before it is ended."""


class Fleet:
    """The arms by name; of an arm that Git has changed, the old and the new one for a while."""

    def __init__(self, store: Store, scratch: Path, around: Surroundings) -> None:
        """Take where bundles lie, a folder for copies of them, and what replicas need."""
        self._store = store
        self._scratch = scratch
        self._around = around
        self._arms: dict[str, Arm] = {}
        self._incoming: dict[str, Arm] = {}
        self._leaving: list[Arm] = []
        self._unwanted: dict[str, int] = {}
        self._told: set[int] = set()
        self._ends: set[asyncio.Task[None]] = set()

    @property
    def draining(self) -> bool:
        """Return whether an arm waits for its end."""
        return bool(self._unwanted)

    def follow(self, wanted: Mapping[str, InferenceService]) -> None:
        """Start what is wanted, and note what is not; nothing is ended here."""
        for name, service in wanted.items():
            self._unwanted.pop(name, None)
            self._want(name, service)
        for name in self._arms.keys() - wanted.keys():
            if name not in self._unwanted:
                self._unwanted[name] = 0
                self._around.tell("arm_drains", f"{name} is no longer wanted; it ends when idle")
            self._drop_incoming(name)
        for name, arm in list(self._incoming.items()):
            if arm.ready or not self._arms[name].serves:
                self._leaving.append(self._arms[name])
                self._arms[name] = self._incoming.pop(name)
        self._tell_of_the_ready()

    def readiness(self) -> Readiness:
        """Return which arms can answer, of those that are as Git wants them."""
        arms = {**self._arms, **self._incoming}
        why = {
            name: f"{name} {'has failed' if arm.phase == 'failed' else 'is starting'}"
            + (f": {arm.reason}" if arm.reason else "")
            for name, arm in arms.items()
        }
        wanted = {
            name: arm
            for name, arm in self._arms.items()
            if name not in self._incoming and name not in self._unwanted
        }
        return Readiness(
            whole={name for name, arm in wanted.items() if arm.ready},
            part={name for name, arm in wanted.items() if arm.serves},
            why=why,
        )

    def endpoints(self) -> dict[str, tuple[Endpoint, ...]]:
        """Return where each arm answers, of those that ever did."""
        return {name: arm.endpoints for name, arm in self._arms.items() if arm.endpoints}

    def bundle(self, name: str) -> Path:
        """Return the folder of an arm's bundle.

        Raises:
            ServingError: it is not here yet.
        """
        return self._arms[name].bundle

    def states(self) -> list[ArmState]:
        """Return what others are told of each arm: of a changed one, the new."""
        arms = {**self._arms, **self._incoming}
        return [arm.state(draining=name in self._unwanted) for name, arm in sorted(arms.items())]

    def release(self, used: Collection[str], under_way: Mapping[str, int]) -> None:
        """Take unwanted arms out of the configuration once they have nothing left to answer.

        Args:
            used: arms that the gateway's routes still name.
            under_way: requests that each unwanted arm has not answered yet.
        """
        for name in list(self._unwanted):
            idle = name not in used and not under_way.get(name, 1)
            self._unwanted[name] = self._unwanted[name] + 1 if idle else 0
            if self._unwanted[name] >= QUIET_LOOKS:
                del self._unwanted[name]
                self._leaving.append(self._arms.pop(name))

    def unwanted(self) -> list[str]:
        """Return the names of the arms that are to end."""
        return list(self._unwanted)

    def end_leaving(self, tell: Callable[[str, str], None]) -> None:
        """End the processes of arms that the gateway no longer knows, in the background."""
        for arm in self._leaving:
            self._end(arm)
            tell("arm_ended", f"{arm.service.name} has ended (version {arm.service.version})")
        if self._leaving:
            self._leaving.clear()
            self._around.changed()

    async def stop(self) -> None:
        """End every process; each first answers what is under way."""
        for arm in [*self._arms.values(), *self._incoming.values(), *self._leaving]:
            self._end(arm)
        await asyncio.gather(*self._ends, return_exceptions=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _want(self, name: str, service: InferenceService) -> None:
        if name in self._incoming and self._incoming[name].service != service:
            self._drop_incoming(name)
        newest = self._incoming.get(name) or self._arms.get(name)
        if newest is not None and newest.service == service:
            return
        arm = Arm(service, self._store, self._scratch / token_hex(8), self._around)
        (self._incoming if name in self._arms else self._arms)[name] = arm
        self._around.tell("arm_starts", f"{name} starts: bundle {service.digest[:12]}")
        arm.start()

    def _drop_incoming(self, name: str) -> None:
        if name in self._incoming:
            self._end(self._incoming.pop(name))

    def _end(self, arm: Arm) -> None:
        task = asyncio.create_task(arm.stop())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    def _tell_of_the_ready(self) -> None:
        for name, arm in self._arms.items():
            if arm.ready and id(arm) not in self._told:
                self._told.add(id(arm))
                self._around.tell("arm_ready", f"{name} is ready (version {arm.service.version})")
