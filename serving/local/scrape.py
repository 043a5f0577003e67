"""Once a second, what the gateway and the predictors have counted goes into the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from millrace.errors import MetricsError, MillraceError
from serving.local.ask import ask
from serving.local.counters import PATTERN, gateway_counters, score_counters
from serving.local.gateway import Gateway
from serving.local.state import ArmState
from serving.metrics.log import MetricsLog, Scrape
from serving.metrics.objectives import Objectives

SECONDS = 1.0


@dataclass(frozen=True)
class Scraped:
    """What there is to scrape right now.

    Attributes:
        arms: every arm that runs.
        gateway: what tells Envoy's present process from others.
    """

    arms: list[ArmState]
    gateway: str


class Scraper:
    """Reads the counters of every arm and appends them to the log, in one transaction a time."""

    def __init__(
        self,
        gateway: Gateway,
        log: MetricsLog,
        now: Callable[[], Scraped],
        tell: Callable[[str, str], None],
        seconds: float = SECONDS,
    ) -> None:
        """Take what to read, where to write, and the seconds between two scrapes."""
        self._gateway = gateway
        self._log = log
        self._now = now
        self._tell = tell
        self._seconds = seconds
        self._objectives = Objectives()
        self._failing = ""
        self.failures = 0

    async def follow(self) -> None:
        """Scrape for ever."""
        while True:
            began = time.monotonic()
            await self.scrape()
            await asyncio.sleep(max(self._seconds - (time.monotonic() - began), 0.0))

    async def scrape(self) -> None:
        """Scrape once; a failure is counted, and told when it begins."""
        there = self._now()
        at = time.time()
        found: list[Scrape] = []
        try:
            found += await self._gateways(there, at)
            failing = ""
        except MillraceError as error:
            failing = str(error)
        found += await self._predictors(there, at)
        try:
            await asyncio.to_thread(self._log.append, found, at)
        except MetricsError as error:
            failing = str(error)
        if failing:
            self.failures += 1
            if not self._failing:
                self._tell("scrape_failed", f"counters are missing: {failing}")
        self._failing = failing

    async def _gateways(self, there: Scraped, at: float) -> list[Scrape]:
        stats = await self._gateway.stats(PATTERN, histograms=True)
        objectives = self._objectives.of(there.arms)
        seconds = {arm: objective.seconds for arm, objective in objectives.items()}
        return [
            Scrape(at, arm, f"envoy/{objectives[arm].series}/{there.gateway}", counters)
            for arm, counters in gateway_counters(stats, seconds).items()
        ]

    async def _predictors(self, there: Scraped, at: float) -> list[Scrape]:
        """Read the replicas that are ready; one that does not answer is restarted by others."""
        names, reads = [], []
        for arm in there.arms:
            for replica in arm.replicas:
                if replica.ready:
                    place = f"{arm.name}/{replica.index}/{replica.pid}-{replica.started:.2f}"
                    names.append((arm.name, place))
                    reads.append(asyncio.to_thread(ask, replica.metrics_port, "/metrics"))
        pages = await asyncio.gather(*reads, return_exceptions=True)
        found = []
        for (arm_name, place), page in zip(names, pages, strict=True):
            if isinstance(page, BaseException):
                continue
            counters = score_counters(page[1].decode(errors="replace"))
            if counters:
                found.append(Scrape(at, arm_name, place, counters))
        return found
