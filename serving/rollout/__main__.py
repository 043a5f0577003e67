"""Run the rollout controller until it is told to end: `python -m serving.rollout`."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack, suppress
from threading import Event

import structlog

from millrace.errors import MillraceError
from millrace.settings import load_settings
from serving.local.watch import pause_after
from serving.rollout.board import Board
from serving.rollout.controller import Controller
from serving.rollout.worlds import open_installation

PERIOD = 1.0
"""Seconds between two looks at a quiet world."""
AT_ONCE = 0.05
"""Seconds to the next look after something was done."""


def run(controller: Controller, board: Board, stop: Event) -> None:
    """Look and act about once a second, less often at a slow server, until told to stop."""
    pause = 0.0
    while not stop.wait(pause):
        changed = controller.round()
        board.turned(looked=controller.looked, failures=controller.failures)
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
    with ExitStack() as served:
        try:
            installation = open_installation(load_settings())
            served.enter_context(installation.page())
            controller = Controller(installation.world)
        except MillraceError as error:
            log.critical("not_started", reason=str(error))
            return 1
        log.info("started")
        with suppress(KeyboardInterrupt):
            run(controller, installation.board, stop)
    log.info("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
