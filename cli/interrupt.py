"""Ctrl-C and SIGTERM as an exception that no `except Exception` takes for a fault."""

from __future__ import annotations

import signal


class Interrupted(BaseException):
    """Somebody pressed Ctrl-C or ended the command."""


def raise_when_interrupted() -> None:
    """Let both signals raise `Interrupted` from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)


def _interrupted(_number: int, _frame: object) -> None:
    raise Interrupted
