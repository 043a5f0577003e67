"""One InferenceService as it runs: its bundle fetched and verified, its replicas kept running."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from millrace.errors import ServingError
from millrace.registry import bundle_key, open_bundle
from millrace.release.kubernetes import InferenceService
from millrace.storage import Store
from serving.local.backoff import FIRST, Backoff
from serving.local.desired import objective_of
from serving.local.replica import Replica, Surroundings
from serving.local.splits import Endpoint
from serving.local.state import ArmPhase, ArmState
from serving.local.unforeseen import as_fault, keep_traceback


class Arm:
    """An InferenceService, from the first wish for it until its last process has ended."""

    def __init__(
        self, service: InferenceService, store: Store, scratch: Path, around: Surroundings
    ) -> None:
        """Take what Git says, where bundles lie, a folder for copies of them, and the rest."""
        self.service = service
        self._store = store
        self._scratch = scratch
        self._around = around
        self._replicas: list[Replica] = []
        self._reason = ""
        self._task: asyncio.Task[None] | None = None
        self._bundle: Path | None = None
        self._last: tuple[Endpoint, ...] = ()
        self._objective = objective_of(service)

    def start(self) -> None:
        """Begin to make it so."""
        self._task = asyncio.create_task(self._begin())

    async def stop(self) -> None:
        """End all its processes; each first answers what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(replica.stop() for replica in self._replicas))
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def ready(self) -> bool:
        """Return whether all replicas answer, with the expected bundle."""
        return bool(self._replicas) and all(replica.state.ready for replica in self._replicas)

    @property
    def serves(self) -> bool:
        """Return whether one replica at least answers, with the expected bundle."""
        return any(replica.state.ready for replica in self._replicas)

    @property
    def bundle(self) -> Path:
        """Return the folder of its bundle.

        Raises:
            ServingError: it is not here yet.
        """
        if self._bundle is None:
            raise ServingError("the bundle is not here yet", where=self.service.name)
        return self._bundle

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the replicas that are ready; without any, those that were ready last.

        Requests to these wait in the gateway, which tries again, until one is ready again.
        """
        ready = tuple(replica.endpoint for replica in self._replicas if replica.state.ready)
        self._last = ready or self._last
        return self._last

    @property
    def phase(self) -> ArmPhase:
        """Return how far it is."""
        if self.ready:
            return "ready"
        failing = any(
            replica.state.restarts and not replica.state.ready for replica in self._replicas
        )
        return "failed" if self._reason or failing else "starting"

    @property
    def reason(self) -> str:
        """Return why it is not ready, if that is known."""
        problems = (replica.state.problem for replica in self._replicas)
        return self._reason or next((problem for problem in problems if problem), "")

    def state(self, *, draining: bool = False) -> ArmState:
        """Return what others are told of it."""
        return ArmState(
            name=self.service.name,
            workload=self.service.workload,
            version=str(self.service.version),
            digest=self.service.digest,
            latency=self._objective,
            phase="draining" if draining else self.phase,
            reason=self.reason,
            replicas=[replica.state for replica in self._replicas],
        )

    async def _begin(self) -> None:
        bundle = self._bundle = await self._fetched()
        self._replicas = [
            Replica(self.service, index, bundle, self._around)
            for index in range(self.service.replicas)
        ]
        for replica in self._replicas:
            replica.start()
        self._around.changed()

    async def _fetched(self) -> Path:
        """Return the verified bundle; while there is none, say so and try again."""
        backoff = Backoff()
        while True:
            try:
                found = await asyncio.to_thread(self._open)
            except Exception as error:  # whatever it is, it is told and tried again
                self._note(error)
                await asyncio.sleep(backoff.failed() or FIRST)
            else:
                self._reason = ""
                return found

    def _note(self, error: Exception) -> None:
        name, logs = self.service.name, self._around.logs
        reason = str(as_fault(error, name, logs))
        if self._reason != reason:
            keep_traceback(error, name, logs)
            self._reason = reason
            self._around.tell("arm_failed", f"{name} failed: {reason}")
            self._around.changed()

    def _open(self) -> Path:
        expected = self._store.uri(bundle_key(self.service.digest))
        if self.service.storage_uri != expected:
            raise ServingError(
                "the bundle lies in another bucket",
                where=self.service.name,
                found=self.service.storage_uri,
                expected=expected,
                remedy="mend storageUri, or set MILLRACE_BUCKET",
            )
        return open_bundle(self._store, self.service.digest, self._scratch)
