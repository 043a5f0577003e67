"""Run the rollout controller until it is told to end: `python -m serving.rollout`."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from threading import Event

import structlog

from millrace.analysis import judge
from millrace.deploy import open_forge, open_repository
from millrace.errors import MillraceError
from millrace.registry import open_registry
from millrace.release.layout import site_of
from millrace.settings import Settings, load_settings
from serving.local.watch import pause_after
from serving.metrics.log import metrics_log
from serving.rollout.controller import Controller, World
from serving.rollout.readiness import LaptopReadiness
from serving.rollout.status import StatusFiles

PERIOD = 1.0
"""Seconds between two looks at a quiet world."""
AT_ONCE = 0.05
"""Seconds to the next look after something was done."""


def laptop_world(settings: Settings) -> World:
    """Return the world of an installation on a laptop."""
    return World(
        repository=open_repository(settings),
        forge=open_forge(settings),
        metrics=metrics_log(settings),
        readiness=LaptopReadiness(settings),
        registry=open_registry(settings),
        judge=judge,
        site=site_of(settings),
        clock=time.time,
        tell=StatusFiles(settings).write,
    )


def run(controller: Controller, stop: Event) -> None:
    """Look and act about once a second, less often at a slow server, until told to stop."""
    pause = 0.0
    while not stop.wait(pause):
        changed = controller.round()
        pause = AT_ONCE if changed else pause_after(controller.asked, PERIOD)


def main() -> int:
    """Run the controller; return the exit code."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log = structlog.get_logger("rollout")
    try:
        controller = Controller(laptop_world(load_settings()))
    except MillraceError as error:
        log.critical("not_started", reason=str(error))
        return 1
    log.info("started")
    with suppress(KeyboardInterrupt):
        run(controller, stop)
    log.info("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
