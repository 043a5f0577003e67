"""The platform without a cluster: what Git says is made so, by processes on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable

from millrace.addresses import without_credentials
from millrace.deploy import Repository, open_repository
from millrace.errors import GatewayError, MillraceError
from millrace.files import made_folder
from millrace.settings import HOME_REMEDY, Settings
from millrace.storage import open_store
from serving.local.children import Book, Child
from serving.local.event_receiver import EventReceiver
from serving.local.example import curl_line, example_file, write_example
from serving.local.fleet import Fleet
from serving.local.gateway import Gateway
from serving.local.keeper import Keeper
from serving.local.packing import keep_packed
from serving.local.replica import Surroundings
from serving.local.rotate import keep_bounded
from serving.local.routing import Routing
from serving.local.scrape import Scraped, Scraper
from serving.local.splits import Host
from serving.local.state import ArmState, PlatformState, state_file
from serving.local.watch import Asked, Watch
from serving.metrics.log import metrics_log

IDLE_SECONDS = 1.0
"""Time after which the platform looks around though nothing has told it to."""
DRAINING_SECONDS = 0.1
START_SECONDS = 20.0
GRACE_SECONDS = 10.0

Tell = Callable[[str, str], None]
"""Takes an event's name in snake_case and a line for people."""


class Platform:
    """Everything that `millrace up` runs."""

    def __init__(
        self,
        settings: Settings,
        tell: Tell,
        *,
        repository: Repository | None = None,
        controller: bool = True,
        scrape_seconds: float = 1.0,
    ) -> None:
        """Take where things are and whom to tell.

        Args:
            settings: of this installation.
            tell: hears of every event.
            repository: the deploy repository; by default the one of the settings.
            controller: whether the rollout controller runs too.
            scrape_seconds: time between two scrapes.
        """
        self._settings = settings
        self._tell = tell
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        folder = settings.platform_folder
        self._logs = folder / "logs"
        self._book = Book(folder / "processes.json")
        self._environment = {
            "MILLRACE_HOME": str(settings.home.resolve()),
            "MILLRACE_GATEWAY_PORT": str(settings.gateway_port),
        }
        self._events = EventReceiver(settings.events_folder, tell)
        around = Surroundings(
            self._logs,
            self._book,
            self._changed,
            tell,
            self._environment,
            events=self._events.url,
        )
        self._fleet = Fleet(open_store(settings), folder / "bundles", around)
        self._gateway = Gateway(
            folder / "envoy", settings.gateway_port, self._logs / "gateway.log", self._book
        )
        self._envoy = self._keeper("gateway", self._gateway.start)
        self._controller = self._keeper("rollout controller", self._start_controller)
        self._with_controller = controller
        repository = repository or open_repository(settings)
        self._watch = Watch(repository, self._changed, tell, self._logs)
        log = metrics_log(settings)
        self._scraper = Scraper(self._gateway, log, self._scraped, tell, scrape_seconds)
        self._routing = Routing(self._gateway, self._fleet, tell)
        self._asked = Asked()
        self._arms: list[ArmState] = []
        self._shown: set[str] = set()
        self._said_what_to_do = False
        self._applied = ""
        self._trouble = ""
        self._unwritten = ""
        self._started = time.time()
        self._state: PlatformState | None = None

    async def run(self) -> None:
        """Run until cancelled, then end everything in order.

        Raises:
            GatewayError: the gateway cannot be started.
            MillraceError: the home cannot be written to.
        """
        self._loop = asyncio.get_running_loop()
        made_folder(self._logs, HOME_REMEDY)
        for left in self._book.end_leftovers():
            self._tell("leftover_ended", f"ended what an earlier platform left: process {left.pid}")
        shutil.rmtree(self._settings.platform_folder / "bundles", ignore_errors=True)
        self._gateway.prepare()
        followers: list[asyncio.Task[None]] = []
        try:
            self._envoy.begin()
            await self._events.start()
            await self._gateway_up()
            self._write_state()
            self._tell("gateway_ready", f"the gateway listens on 127.0.0.1:{self._gateway.port}")
            if self._with_controller:
                self._controller.begin()
            work = (
                self._watch.follow(),
                self._scraper.follow(),
                keep_bounded(self._logs),
                keep_packed(self._settings, self._tell),
                self._reconcile_for_ever(),
            )
            followers = [asyncio.create_task(one) for one in work]
            await asyncio.gather(*followers)
        finally:
            await self._stop(followers)

    async def _reconcile_for_ever(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._reconcile()
                self._trouble = ""
            except MillraceError as error:  # what runs goes on; tried again
                if self._trouble != str(error):
                    self._trouble = str(error)
                    self._tell("gateway_fails", str(error))
            self._write_state()
            pause = DRAINING_SECONDS if self._fleet.draining or self._trouble else IDLE_SECONDS
            # wait_for of Python 3.11 swallows a cancellation that comes at the same time
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _reconcile(self) -> None:
        """Bring what runs one step nearer to what Git says."""
        asked = self._watch.asked
        wanted = asked.wanted
        if asked.commit and not wanted and not asked.faults and not self._routing.hosts:
            self._say_what_to_do()
        self._fleet.follow({name: arm for one in wanted.values() for name, arm in one.arms.items()})
        # others are told of this moment, in which commit, arms and waiting splits fit together
        self._asked, self._arms = asked, self._fleet.states()
        for host in await self._routing.follow(wanted):
            await self._show_how_to_ask(host)
        if self._routing.complete and not asked.faults:
            self._applied = asked.commit
        if self._fleet.draining:
            under_way = {
                name: await self._gateway.under_way(name) for name in self._fleet.unwanted()
            }
            self._fleet.release(self._routing.used, under_way)
            await self._routing.apply()
        self._fleet.end_leaving(self._tell)

    def _say_what_to_do(self) -> None:
        if not self._said_what_to_do:
            self._said_what_to_do = True
            self._tell("nothing_released", nothing_released(self._settings))

    async def _show_how_to_ask(self, host: Host) -> None:
        """Tell a command that works, the first time that a workload answers."""
        if host.http is None or host.workload in self._shown:
            return
        self._shown.add(host.workload)
        file = example_file(self._settings, host.workload)
        bundle = self._fleet.bundle(max(host.arms))
        with contextlib.suppress(OSError, MillraceError, ValueError):
            await asyncio.to_thread(write_example, bundle, file)
            address = f"http://{host.names[0]}:{self._gateway.port}"
            self._tell("ask", f"ask it: {curl_line(address, host.workload, file)}")

    async def _gateway_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not await self._gateway.answers():
            if time.monotonic() > deadline or self._envoy.state.restarts > 2:
                raise GatewayError(
                    "the gateway does not start",
                    where=f"127.0.0.1:{self._gateway.port}",
                    found=self._envoy.state.problem,
                    remedy=f"read why at the end of {self._logs / 'gateway.log'}",
                )
            await asyncio.sleep(0.02)

    async def _stop(self, followers: list[asyncio.Task[None]]) -> None:
        """End the controller, then the traffic, then the arms."""
        for task in followers:
            task.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        await self._controller.stop(GRACE_SECONDS)
        await self._gateway.drain()
        if followers:
            await self._scraper.scrape()
        await self._envoy.stop(GRACE_SECONDS)
        await self._fleet.stop()
        await self._events.stop()
        self._gateway.remove_socket()
        state_file(self._settings).unlink(missing_ok=True)

    def _changed(self) -> None:
        """Wake the loop that makes things so; any thread may call this."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    def _keeper(self, name: str, start: Callable[[], Awaitable[Child]]) -> Keeper:
        log = self._logs / f"{name.split(maxsplit=1)[0]}.log"
        return Keeper(name, start, self._changed, self._tell, str(log))

    async def _start_controller(self) -> Child:
        return await Child.start(
            [sys.executable, "-m", "serving.rollout"],
            log=self._logs / "rollout.log",
            book=self._book,
            environment=self._environment,
        )

    def _scraped(self) -> Scraped:
        return Scraped(self._fleet.states(), self._envoy.instance)

    def _write_state(self) -> None:
        state = PlatformState(
            pid=os.getpid(),
            started=self._started,
            gateway_port=self._gateway.port,
            commit=self._asked.commit,
            applied=self._applied,
            arms=self._arms,
            routes=self._routing.states(self._asked.wanted),
            processes=[self._envoy.state]
            + ([self._controller.state] if self._with_controller else []),
            faults=[
                *self._asked.faults,
                *self._routing.faults,
                *([self._trouble] if self._trouble else []),
            ],
            scrape_failures=self._scraper.failures,
        )
        if state != self._state:
            try:
                state.write(state_file(self._settings))
                self._state, self._unwritten = state, ""
            except MillraceError as error:
                if self._unwritten != str(error):
                    self._unwritten = str(error)
                    self._tell("state_not_written", str(error))


def nothing_released(settings: Settings) -> str:
    """Return what to do about an empty deploy repository."""
    where = without_credentials(settings.deploy_url)
    return (
        f"nothing is released yet in {where}; a run that registers a candidate proposes it: "
        "`millrace run NAME`"
    )
